/** Roots, sockets and environments: which engine is meant, and what must not reach it. */
import { expect, test } from "bun:test";
import { mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { command } from "../support/command.ts";
import { BERTH, startEngine, temporaryPlace, TestEngine } from "../support/engine.ts";
import { has } from "../support/parts.ts";

const TIMEOUT = 60_000;

test.if(has("root", "busybox"))(
  "two engines live side by side",
  async () => {
    await using first = await startEngine({ image: "busybox" });
    await using second = await startEngine({ image: "busybox" });
    expect(first.instance).not.toBe(second.instance);
    await first.berth(["run", "-d", "--name", "c", "busybox", "sleep", "100"]);
    await second.berth(["run", "-d", "--name", "c", "busybox", "sleep", "100"]);
    expect((await first.berth(["rm", "-f", "c"])).code).toBe(0);
    expect((await second.berth(["exec", "c", "ping", "-c1", "-W2", await gateway(second)])).code).toBe(0);
  },
  TIMEOUT,
);

async function gateway(engine: TestEngine): Promise<string> {
  return (await engine.berth(["inspect", "-f", "{{.NetworkSettings.Gateway}}", "c"])).stdout.trim();
}

test.if(has("root"))(
  "a root that another engine holds is refused with its pid",
  async () => {
    await using engine = await startEngine();
    const second = await command([BERTH, "daemon", "--root", engine.root, "--run", `${engine.place}/other`]);
    expect(second.code).not.toBe(0);
    expect(second.stderr).toContain(String(engine.pid));
    expect((await engine.api("GET", "/_ping")).status).toBe(200);
  },
  TIMEOUT,
);

test.if(has("root"))(
  "a corrupt state.db is named, with what to do",
  async () => {
    const place = await temporaryPlace();
    await mkdir(`${place}/root`);
    await writeFile(
      `${place}/root/state.db`,
      "this is no database, and it is long enough to be read as one".repeat(100),
    );
    const result = await command([BERTH, "daemon", "--root", `${place}/root`, "--run", `${place}/run`]);
    expect(result.code).not.toBe(0);
    expect(result.stderr).toContain(`${place}/root/state.db`);
    expect(await stat(`${place}/run/berth.sock`).catch(() => "absent")).toBe("absent");
    await command(["rm", "-rf", place]);
  },
  TIMEOUT,
);

/** Files and variables by which Bun would run code of the caller's choice; each would make the file $T/evil. */
async function trap(place: string): Promise<Record<string, string>> {
  await writeFile(`${place}/evil.ts`, `require("node:fs").writeFileSync("${place}/evil", "")`);
  await writeFile(`${place}/bunfig.toml`, `preload = ["${place}/evil.ts"]\n`);
  await writeFile(`${place}/.env`, `BUN_OPTIONS=--preload=${place}/evil.ts\nBERTH_HOST=unix:///evil.sock\n`);
  return { BUN_OPTIONS: `--preload=${place}/evil.ts`, BUN_BE_BUN: "1", BUN_INSPECT: "127.0.0.1:0" };
}

test.if(has("root", "busybox"))(
  "BUN_OPTIONS, BUN_BE_BUN, BUN_INSPECT, .env and bunfig.toml have no effect on any berth process",
  async () => {
    const place = await temporaryPlace();
    const env = { ...(await trap(place)), BERTH_ROOT: `${place}/root`, BERTH_RUN: `${place}/run` };
    const berth = (...words: string[]) => command([BERTH, ...words], { env, cwd: place });

    expect((await berth("image", "bootstrap", "busybox")).code).toBe(0);
    expect(
      (await berth("run", "-d", "--name", "c", "-e", "BUN_BE_BUN=1", "busybox", "sleep", "100")).code,
    ).toBe(0);
    expect((await berth("cp", `${place}/evil.ts`, "c:/tmp/x")).code).toBe(0);
    const { pid } = (await Bun.file(`${place}/run/engine.json`).json()) as { pid: number };
    for (const process of await familyOf(pid)) {
      const environment = await readFile(`/proc/${process}/environ`, "utf8").catch(() => ""); // one of the last command may end meanwhile
      expect(environment).not.toContain("BUN_");
    }
    expect((await berth("system", "shutdown", "--containers")).code).toBe(0);
    expect(await stat(`${place}/evil`).catch(() => "absent")).toBe("absent");
    await command(["rm", "-rf", place]);
  },
  TIMEOUT,
);

/** The engine, and its shims; not what runs in the containers. */
async function familyOf(pid: number): Promise<number[]> {
  const { stdout } = await command(["ps", "-o", "pid=", "--ppid", String(pid)]);
  return [
    pid,
    ...stdout
      .split("\n")
      .filter((line) => line.trim() !== "")
      .map(Number),
  ];
}

test.if(has("root"))(
  "BERTH_HOST outranks DOCKER_HOST, --host outranks both, and none of them starts an engine",
  async () => {
    await using engine = await startEngine();
    const nowhere = "unix:///nowhere/berth.sock";
    const ask = (env: Record<string, string>, ...flags: string[]) =>
      command([BERTH, ...flags, "ps"], { env });
    expect((await ask({ DOCKER_HOST: engine.host })).code).toBe(0);
    expect((await ask({ DOCKER_HOST: nowhere, BERTH_HOST: engine.host })).code).toBe(0);
    expect((await ask({ DOCKER_HOST: nowhere, BERTH_HOST: nowhere }, "--host", engine.host)).code).toBe(0);
    expect((await ask({ DOCKER_HOST: nowhere })).code).toBe(1);
    expect(await stat("/nowhere").catch(() => "absent")).toBe("absent");
  },
  TIMEOUT,
);

test.if(has("root"))(
  "the socket is only root's, and so are the directories",
  async () => {
    await using engine = await startEngine();
    const mode = async (path: string) => ((await stat(path)).mode & 0o777).toString(8);
    expect(await mode(engine.socket)).toBe("600");
    expect(await mode(engine.root)).toBe("700");
    expect(await mode(engine.run)).toBe("700");
  },
  TIMEOUT,
);
