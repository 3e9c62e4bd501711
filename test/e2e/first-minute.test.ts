/** What a stranger does first: no engine runs, and nothing has been set up. */
import { afterEach, expect, test } from "bun:test";
import { mkdir, rm, stat } from "node:fs/promises";
import { lockFile } from "../../src/store/lock.ts";
import { command, type CommandResult, isAlive } from "../support/command.ts";
import { BERTH, temporaryPlace } from "../support/engine.ts";
import { leaks } from "../support/leaks.ts";
import { has } from "../support/parts.ts";

const TIMEOUT = 60_000;
let place = "";

afterEach(async () => {
  if (place === "") return;
  await berth("kill", ...(await berth("ps", "-q")).stdout.split("\n").filter(Boolean));
  await berth("system", "shutdown", "--containers");
  await rm(place, { recursive: true, force: true });
  place = "";
}, 30_000);

/** On the default socket of an own root: the command line may start the engine. */
function berth(...words: string[]): Promise<CommandResult> {
  return command([BERTH, ...words], { env: { BERTH_ROOT: `${place}/root`, BERTH_RUN: `${place}/run` } });
}

async function enginePid(): Promise<number> {
  return ((await Bun.file(`${place}/run/engine.json`).json()) as { pid: number }).pid;
}

function instance(): string {
  return `b${new Bun.CryptoHasher("sha256").update(`${place}/root`).digest("hex").slice(0, 6)}`;
}

test.if(has("root"))(
  "hello-world starts the engine, greets and tells who took part; shutdown leaves nothing",
  async () => {
    place = await temporaryPlace();
    const first = await berth("run", "--rm", "hello-world");
    expect(first.stderr).toBe("");
    expect(first.code).toBe(0);
    for (const word of ["Hello", "command line", "engine", "shim", "container"])
      expect(first.stdout).toContain(word);

    const pid = await enginePid();
    expect((await berth("run", "--rm", "hello-world")).stdout).toBe(first.stdout);
    expect(await enginePid()).toBe(pid);

    expect((await berth("system", "shutdown", "--containers")).code).toBe(0);
    expect(await leaks(instance(), place)).toEqual([]);
  },
  TIMEOUT,
);

test.if(has("root"))(
  "several first calls at once share one engine",
  async () => {
    place = await temporaryPlace();
    const all = await Promise.all(Array.from({ length: 6 }, () => berth("run", "--rm", "hello-world")));
    expect(all.map(({ code, stderr }) => `${code} ${stderr}`)).toEqual(Array(6).fill("0 "));
    expect((await berth("ps", "-aq")).stdout).toBe("");
  },
  TIMEOUT,
);

test.if(has("root"))(
  "a first call while an engine is still about to end waits for that, and starts its own",
  async () => {
    place = await temporaryPlace();
    await mkdir(`${place}/root`);
    const held = lockFile(`${place}/root/lock`);
    setTimeout(() => held[Symbol.dispose](), 1000);
    expect(await berth("ps", "-q")).toEqual({ stdout: "", stderr: "", code: 0 });
  },
  TIMEOUT,
);

test.if(has("root", "busybox"))(
  "bootstrap busybox makes a base image without a registry",
  async () => {
    place = await temporaryPlace();
    const missing = await berth("run", "--rm", "busybox", "true");
    expect(missing.code).toBe(125);
    expect(missing.stderr).toContain("berth image bootstrap busybox");

    const made = await berth("image", "bootstrap", "busybox");
    expect(made.stderr).toBe("");
    expect(made.code).toBe(0);
    expect((await berth("run", "--rm", "busybox", "echo", "hi")).stdout).toBe("hi\n");
  },
  TIMEOUT,
);

test.if(has("root"))(
  "shutdown without --containers leaves them running, and the next engine takes them over",
  async () => {
    place = await temporaryPlace();
    expect((await berth("image", "bootstrap", "busybox")).code).toBe(0);
    await berth("run", "-d", "--name", "c", "busybox", "sleep", "100");
    expect((await berth("system", "shutdown")).code).toBe(0);
    expect((await berth("exec", "c", "echo", "still here")).stdout).toBe("still here\n");
    expect((await berth("system", "shutdown", "--containers")).code).toBe(0);
    expect((await berth("inspect", "-f", "{{.State.Status}}", "c")).stdout).toBe("exited\n");
    expect((await berth("rm", "c")).code).toBe(0);
  },
  TIMEOUT,
);

test.if(has("root"))(
  "an engine of an older build that a command line had started is replaced, its containers untouched",
  async () => {
    place = await temporaryPlace();
    expect((await berth("image", "bootstrap", "busybox")).code).toBe(0);
    await berth("run", "-d", "--name", "c", "busybox", "sleep", "100");
    const started = (await berth("inspect", "-f", "{{.State.StartedAt}} {{.State.Pid}}", "c")).stdout;
    const old = await enginePid();
    await pretendOlder();

    expect((await berth("inspect", "-f", "{{.State.StartedAt}} {{.State.Pid}}", "c")).stdout).toBe(started);
    expect(await enginePid()).not.toBe(old);
    expect(await isAlive(old)).toBe(false);
  },
  TIMEOUT,
);

test.if(has("root"))(
  "what an older engine that was killed has left says nothing of the one that runs",
  async () => {
    place = await temporaryPlace();
    await berth("ps");
    const runs = await enginePid();
    await using killed = Bun.spawn(["sleep", "1000"]);
    killed.kill("SIGKILL");
    await killed.exited;
    await pretendOlder({ pid: killed.pid });

    expect(await berth("ps", "-q")).toMatchObject({ code: 0, stdout: "" });
    expect(await isAlive(runs)).toBe(true);
    await pretendOlder({ pid: runs }); // a shutdown waits for whom it names
  },
  TIMEOUT,
);

async function pretendOlder(changes: { pid?: number } = {}): Promise<void> {
  const path = `${place}/run/engine.json`;
  const note = (await Bun.file(path).json()) as { build: string };
  await Bun.write(path, JSON.stringify({ ...note, build: "older", ...changes }));
}

test.if(has("root"))(
  "not root: says what to do, and starts nothing",
  async () => {
    const result = await command(
      ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", BERTH, "ps"],
      {
        env: { BERTH_ROOT: "/tmp/nobody-berth", BERTH_RUN: "/tmp/nobody-berth" },
      },
    );
    expect(result.code).toBe(1);
    expect(result.stderr).toContain("root");
    expect(await stat("/tmp/nobody-berth").catch(() => "absent")).toBe("absent");
  },
  TIMEOUT,
);
