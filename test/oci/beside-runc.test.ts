/** Beside Debian's runc: the same calls, the same output, exit codes and words; every difference has its reason in docs/runtime.md. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFile, writeFile } from "node:fs/promises";
import { has } from "../support/parts.ts";
import { type Config, type Outcome, PERFORMERS, Place } from "./bundle.ts";

const here = has("root", "busybox", "runc");

describe.each(PERFORMERS)("performed by $by", ({ engine }) => {
  let place: Place;

  beforeAll(async () => {
    if (here) place = await Place.make({ engine });
  });
  afterAll(async () => {
    if (here) await place[Symbol.asyncDispose]();
  });

  /** What is another number each time, and the version of the specification. */
  function comparable({ stdout, stderr, code }: Outcome) {
    const plain = (text: string) =>
      text
        .replaceAll(/time="[^"]*" /g, "")
        .replaceAll(/(\/tmp\/berth-oci-test-\w+\/)(?:ours|runc)\b/g, "$1BUND")
        .replaceAll(/("?(?:created|ociVersion)"?: ?)"[^"]*"/g, '$1"…"')
        .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z */g, "TIME ")
        .replaceAll(/CREATED +OWNER/g, "CREATED OWNER")
        .replaceAll(/^(c1 +|sleep +)[1-9]\d* */gm, "$1N ")
        .replaceAll(/("pid": ?)[1-9]\d*/g, "$1N")
        .replaceAll(/^\[\d+\]$/gm, "[N]");
    return { stdout: plain(stdout), stderr: plain(stderr), code };
  }

  async function both(words: readonly string[]): Promise<[ours: Outcome, runcs: Outcome]> {
    return [await place.call(place.berth, words), await place.call("runc", words)];
  }

  async function expectSame(...words: readonly string[]): Promise<void> {
    const [ours, runcs] = await both(words);
    expect({ words, ...comparable(ours) }).toEqual({ words, ...comparable(runcs) });
  }

  /** Polled by `state`, as an engine that was restarted does. */
  async function untilStopped(runtime: string, id: string): Promise<void> {
    const deadline = Date.now() + 10_000;
    while (!(await place.call(runtime, ["state", id])).stdout.includes("stopped")) {
      if (Date.now() > deadline) throw new Error(`${id} does not stop under ${runtime}`);
      await Bun.sleep(5);
    }
  }

  /** What a runtime needs for a start ends when it ends, and so long it is among the container's processes. */
  async function untilAlone(runtime: string, id: string, command: string): Promise<void> {
    const deadline = Date.now() + 10_000;
    for (;;) {
      const { stdout } = await place.call(runtime, ["ps", "--format", "json", id]);
      const [pid, ...others] = JSON.parse(stdout) as number[];
      if (others.length === 0 && (await readFile(`/proc/${pid}/comm`, "utf8")) === `${command}\n`) return;
      if (Date.now() > deadline) throw new Error(`${id} under ${runtime} is not ${command} alone: ${stdout}`);
      await Bun.sleep(5);
    }
  }

  test.if(here)(
    "a container's life has the same answers at every step",
    async () => {
      await place.configure("exec sleep 1000", (config) => (config.annotations = { "org.example": "yes" }));
      await expectSame("create", "c1");
      for (const words of [
        ["state", "c1"],
        ["list"],
        ["list", "-q"],
        ["list", "--format", "json"],
        ["create", "c1"],
        ["exec", "c1", "true"],
        ["kill", "c1", "FOO"],
        ["pause", "c1"],
        ["state", "c1"],
        ["resume", "c1"],
        ["start", "c1"],
        ["start", "c1"],
        ["state", "c1"],
      ])
        await expectSame(...words);
      for (const runtime of [place.berth, "runc"]) await untilAlone(runtime, "c1", "sleep");
      for (const words of [
        ["ps", "--format", "json", "c1"],
        ["ps", "c1", "-o", "comm,pid=PID", "--no-headers"],
        ["exec", "c1", "sh", "-c", "exit 7"],
        ["exec", "c1", "sh", "-c", "kill -9 $$"],
        [
          "exec",
          "-e",
          "A=b",
          "--cwd",
          "/tmp",
          "--user",
          "1000:1000",
          "c1",
          "sh",
          "-c",
          "id -u; id -g; pwd; echo $A",
        ],
        ["exec", "c1", "nope"],
        ["exec", "c1", "/nope"],
        ["exec", "c1", "/etc/not-executable"],
        ["exec", "c1"],
        ["delete", "c1"],
        ["pause", "c1"],
        ["exec", "c1", "true"],
        ["pause", "c1"],
        ["delete", "c1"],
        ["resume", "c1"],
        ["resume", "c1"],
        ["update", "--memory", "100000000", "c1"],
        ["update", "--memory", "abc", "c1"],
        ["update", "--pids-limit", "100", "c1"],
        ["update", "c1"],
        ["kill", "c1", "KILL"],
      ])
        await expectSame(...words);
      for (const runtime of [place.berth, "runc"]) await untilStopped(runtime, "c1");
      for (const words of [
        ["state", "c1"],
        ["list"],
        ["kill", "c1"],
        ["kill", "--all", "c1", "KILL"],
        ["start", "c1"],
        ["exec", "c1", "true"],
        ["pause", "c1"],
        ["resume", "c1"],
        ["update", "--memory", "10000000", "c1"],
        ["events", "--stats", "c1"],
        ["delete", "c1"],
        ["delete", "c1"],
        ["delete", "--force", "c1"],
        ["list"],
        ["list", "--format", "json"],
      ])
        await expectSame(...words);
    },
    60_000,
  );

  const ABSENT = [
    ["state", "nope"],
    ["start", "nope"],
    ["kill", "nope"],
    ["delete", "nope"],
    ["delete", "--force", "nope"],
    ["exec", "nope", "true"],
    ["ps", "nope"],
    ["pause", "nope"],
    ["resume", "nope"],
    ["update", "nope"],
    ["events", "nope"],
    ["create", "a/b"],
    ["create", ".."],
    ["create", "--bundle", "/nonexistent", "x"],
    ["run", "--console-socket", "/nope", "x"],
    ["list", "--format", "foo"],
    ["frob"],
  ] as const;

  test.if(here).each(ABSENT.map((words) => [words.join(" "), words] as const))("%s", async (_, words) => {
    await place.configure("true");
    await expectSame(...words);
  });

  test.if(here).each([
    ["too few arguments", ["create"]],
    ["too many arguments", ["run", "x", "y"]],
    ["a flag that nobody knows", ["run", "--frob", "x"]],
    ["a global flag that nobody knows", ["--frob"]],
    ["a flag without its value", ["run", "--bundle"]],
    ["a log format that is none", ["--log-format", "foo", "list"]],
  ])("%s: the same complaint, and usage", async (_, words) => {
    const [ours, runcs] = await both(words);
    expect(comparable(ours).stderr).toBe(comparable(runcs).stderr);
    expect(ours.code).toBe(runcs.code);
    expect(ours.stdout.split("\n")[0]?.startsWith("Incorrect Usage")).toBe(
      runcs.stdout.split("\n")[0]?.startsWith("Incorrect Usage") ?? false,
    );
  });

  const STARTS: readonly (readonly [string, string, (config: Config) => void])[] = [
    ["an exit code", "exit 3", () => undefined],
    ["output and errors", "echo out; echo err >&2", () => undefined],
    [
      "who, where, which limits",
      "id -u; id -g; pwd; umask; grep -E '^Cap|NoNew' /proc/self/status; env",
      () => undefined,
    ],
    [
      "mounts",
      "cut -d' ' -f5,6 /proc/self/mountinfo| grep -Ev 'cgroup r|cgroup/(net_|perf)|keys|timer_list|acpi|firmware'",
      () => undefined,
    ],
    ["descriptors", "ls /proc/self/fd", () => undefined],
    [
      "a working directory that is made",
      "pwd",
      (config) => {
        config.process["cwd"] = "/made/here";
        config.root.readonly = false;
      },
    ],
    ["a program that is not in PATH", "", (config) => (config.process.args = ["nope"])],
    ["a program that is not there", "", (config) => (config.process.args = ["/nope"])],
    ["a directory", "", (config) => (config.process.args = ["/etc"])],
    ["a file that is not executable", "", (config) => (config.process.args = ["/etc/not-executable"])],
    ["no program", "", (config) => (config.process.args = [])],
    ["an empty working directory", "", (config) => (config.process["cwd"] = "")],
    ["a root filesystem that is not there", "", (config) => (config.root.path = "/nonexistent")],
    ["a sysctl of the host's", "", (config) => (config.linux["sysctl"] = { "kernel.foo": "1" })],
    ["a terminal where there is none", "", (config) => (config.process.terminal = true)],
  ];

  test.if(here).each(STARTS)("run with %s", async (_, script, change) => {
    await place.configure(script, change);
    await expectSame("run", "r1");
    await expectSame("state", "r1");
  });

  test.if(here)("create with a terminal wants a console socket", async () => {
    await place.configure("", (config) => (config.process.terminal = true));
    await expectSame("create", "t1");
    await expectSame("run", "--detach", "t1");
  });

  test.if(here)("a program of the wrong format fails where its output goes, when it is started", async () => {
    await place.configure("", (config) => (config.process.args = ["/etc/wrong-format"]));
    const [ours, runcs] = await both(["run", "w1"]);
    expect(ours.code).toBe(runcs.code);
    expect([ours.stderr, runcs.stderr].every((text) => /exec format error/i.test(text))).toBe(true);
  });

  test.if(here)("a bundle without config.json, and one that is no JSON", async () => {
    await place.configure("true");
    await expectSame("run", "--bundle", `${place.path}/rootfs`, "x");
    for (const runtime of [place.berth, "runc"]) await writeFile(`${place.bundle(runtime)}/config.json`, "{");
    const [ours, runcs] = await both(["run", "x"]);
    expect([ours.code, runcs.code]).toEqual([1, 1]);
  });

  test.if(here)("the log for engines has runc's fields", async () => {
    await place.configure("", (config) => (config.process.args = ["nope"]));
    const lines = await Promise.all(
      [place.berth, "runc"].map(async (runtime) => {
        const log = `${place.path}/log-${runtime === "runc"}`;
        await place.call(runtime, ["--log", log, "--log-format", "json", "run", "l1"]);
        const last = (await Bun.file(log).text()).trim().split("\n").at(-1) ?? "";
        return JSON.parse(last) as { level: string; msg: string; time: string };
      }),
    );
    const [ours, runcs] = lines;
    expect({ ...ours, time: "" }).toEqual({ ...runcs, time: "" });
    expect(Object.keys(ours ?? {}).toSorted()).toEqual(Object.keys(runcs ?? {}).toSorted());
  });

  test.if(here)("spec writes what runc's does, but for the version", async () => {
    const written = async (runtime: string) => {
      const directory = `${place.path}/spec-${runtime === "runc"}`;
      await Bun.write(`${directory}/.keep`, "");
      expect((await place.call(runtime, ["spec", "--bundle", directory])).code).toBe(0);
      expect((await place.call(runtime, ["spec", "--bundle", directory])).stderr).toContain(
        "Remove it first",
      );
      return { ...(JSON.parse(await Bun.file(`${directory}/config.json`).text()) as object), ociVersion: "" };
    };
    expect(await written(place.berth)).toEqual(await written("runc"));
  });

  test.if(here)("events --stats has runc's fields where the kernel counts", async () => {
    await place.configure("exec sleep 1000");
    for (const runtime of [place.berth, "runc"])
      expect((await place.call(runtime, ["run", "--detach", "e1"])).code).toBe(0);
    const [ours, runcs] = (await both(["events", "--stats", "e1"])).map(
      ({ stdout }) => JSON.parse(stdout) as { data: Record<string, Record<string, unknown>> },
    );
    for (const runtime of [place.berth, "runc"]) await place.call(runtime, ["delete", "--force", "e1"]);
    expect(Object.keys(ours?.data ?? {}).toSorted()).toEqual(Object.keys(runcs?.data ?? {}).toSorted());
    expect(Object.keys(ours?.data["pids"] ?? {})).toEqual(Object.keys(runcs?.data["pids"] ?? {}));
    for (const part of ["usage", "swap", "kernel", "kernelTCP", "raw"])
      expect(ours?.data["memory"]).toHaveProperty(part);
  });
});
