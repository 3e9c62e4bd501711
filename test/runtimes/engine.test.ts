/** The engine with other runtimes: every command that a container of berth's own knows, and the engine's death in between. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import type { Spec } from "../../src/runtime/spec.ts";
import { command, type CommandResult } from "../support/command.ts";
import { BERTH, startEngine, type TestEngine } from "../support/engine.ts";
import { leaks } from "../support/leaks.ts";
import { has } from "../support/parts.ts";
import { until } from "../shim/support/within.ts";

const directory = mkdtempSync("/tmp/bt-runtimes-");
const CONFIG = {
  runtimes: {
    noting: { path: `${directory}/noting` },
    sandbox: { path: "/usr/bin/runsc", runtimeArgs: ["--network=host", "--file-access=shared"] },
  },
};

/** Makes nothing, and leaves what it was told. */
const NOTING = `#!/bin/sh
while [ $# -gt 0 ]; do [ "$1" != --bundle ] || cp "$2/config.json" ${directory}/noted; shift; done
exit 1
`;
writeFileSync(`${directory}/noting`, NOTING, { mode: 0o755 });
writeFileSync(`${directory}/daemon.json`, JSON.stringify(CONFIG));
afterAll(() => rmSync(directory, { recursive: true }));

/** Each with what its `top` shows of `sleep 1000`. */
const RUNTIMES = [
  ["runc", has("root", "busybox", "runc"), "sleep 1000"],
  ["sandbox", has("root", "busybox", "runsc"), "runsc-sandbox"],
] as const;

for (const [runtime, present, seen] of RUNTIMES)
  describe.if(present)(`the engine with ${runtime}`, () => {
    let engine: TestEngine;
    beforeAll(async () => {
      const words = ["--config-file", `${directory}/daemon.json`];
      engine = await startEngine({ image: "busybox", arguments: words });
    }, 30_000);
    afterAll(() => engine[Symbol.asyncDispose](), 30_000);

    const berth = (...words: string[]): Promise<CommandResult> => engine.berth(words, { timeoutMs: 60_000 });
    const told = async (...words: string[]): Promise<string> => {
      const { stdout, stderr, code } = await berth(words[0] ?? "", ...words.slice(1));
      return code === 0 ? stdout : `${code}: ${stderr}`;
    };
    const run = (...words: string[]) => berth("run", "--runtime", runtime, ...words);
    const inspect = (name: string, field: string) => told("inspect", "-f", `{{${field}}}`, name);
    const nothingLeft = async () => {
      await engine.removeContainers();
      expect(await leaks(engine.instance, engine.place, (line) => !line.includes("/c/"))).toEqual([]);
      expect(await told("system", "fsck")).toBe("nothing is lost, nothing is left over\n");
    };

    test("runs a command, and ends as it ends", async () => {
      expect(await run("--rm", "busybox", "echo", "hi")).toMatchObject({ stdout: "hi\n", code: 0 });
      expect(await run("--rm", "busybox", "sh", "-c", "echo no >&2; exit 3")).toMatchObject({
        stderr: "no\n",
        code: 3,
      });
    }, 60_000);

    test("says what is no program, and what may not be executed", async () => {
      const absent = await run("--rm", "busybox", "nothing");
      expect(absent.code).toBe(127);
      expect(absent.stderr).toContain('exec: "nothing": executable file not found in $PATH');
      expect((await run("--rm", "busybox", "/etc/passwd")).code).toBe(126);
    }, 60_000);

    test("keeps the log, says which runtime it was, and forgets everything", async () => {
      await run("--name", "log", "busybox", "sh", "-c", "echo one; echo two >&2");
      expect(await told("logs", "log")).toBe("one\n");
      expect((await berth("logs", "log")).stderr).toBe("two\n");
      expect(await inspect("log", ".HostConfig.Runtime")).toBe(`${runtime}\n`);
      expect(await told("start", "-a", "log")).toContain("one\n");
      await nothingLeft();
    }, 60_000);

    test("has a terminal, with its size", async () => {
      const { stdout } = await command(
        [
          "script",
          "-qec",
          `stty rows 33 cols 99; ${BERTH} run --runtime ${runtime} --rm -it busybox sh -c 'test -t 0 && stty size'`,
          "/dev/null",
        ],
        { env: engine.client, timeoutMs: 60_000 },
      );
      expect(stdout).toContain("33 99");
    }, 60_000);

    test("takes input of a client that attaches", async () => {
      await run("-di", "--name", "in", "busybox", "sh", "-c", "read line; echo got $line; exit 4");
      const { stdout, code } = await engine.berth(["attach", "in"], { stdin: "word\n", timeoutMs: 60_000 });
      expect([stdout, code]).toEqual(["got word\n", 4]);
      await nothingLeft();
    }, 60_000);

    test("execs, with its own end, user, directory and terminal", async () => {
      await run("-d", "--name", "x", "busybox", "sleep", "1000");
      expect(
        await told(
          "exec",
          "-u",
          "1000:2000",
          "-w",
          "/tmp",
          "-e",
          "A=b",
          "x",
          "sh",
          "-c",
          "id -u; id -g; pwd; echo $A",
        ),
      ).toBe("1000\n2000\n/tmp\nb\n");
      expect((await berth("exec", "x", "sh", "-c", "exit 5")).code).toBe(5);
      expect((await berth("exec", "x", "nothing")).code).toBe(127);
      expect(await told("exec", "-t", "x", "sh", "-c", "test -t 1 && echo terminal")).toBe("terminal\r\n");
      expect((await engine.berth(["exec", "-i", "x", "cat"], { stdin: "through" })).stdout).toBe("through");
      const unknown = await berth("exec", "-u", "nobody-knows", "x", "true");
      expect(unknown).toMatchObject({ code: 126, stdout: expect.stringContaining("unable to find user") });
      await nothingLeft();
    }, 60_000);

    test("stops politely, kills, pauses, and shows its processes", async () => {
      const script = "trap 'exit 7' TERM; echo ready; while :; do sleep 0.05; done";
      await run("-d", "--name", "s", "busybox", "sh", "-c", script);
      await until("its output", async () => (await told("logs", "s")) === "ready\n");
      expect(await told("pause", "s")).toBe("s\n");
      expect(await inspect("s", ".State.Status")).toBe("paused\n");
      expect(await told("unpause", "s")).toBe("s\n");
      expect(await told("stop", "s")).toBe("s\n");
      expect(await inspect("s", ".State.ExitCode")).toBe("7\n");
      await run("-d", "--name", "k", "busybox", "sleep", "1000");
      // runc's start ends before its process has become the program.
      await until(`"${seen}" in top`, async () => (await told("top", "k")).includes(seen));
      const { body: stats } = await engine.api("GET", "/containers/k/stats?stream=false");
      expect(stats).toMatchObject({ memory_stats: { usage: expect.any(Number) } });
      expect(
        await engine.api("POST", "/containers/k/update", { Memory: 64 << 20, MemorySwap: 64 << 20 }),
      ).toMatchObject({ status: 200 });
      expect(await inspect("k", ".HostConfig.Memory")).toBe(`${64 << 20}\n`);
      expect(await told("kill", "k")).toBe("k\n");
      expect(await inspect("k", ".State.ExitCode")).toBe("137\n");
      await nothingLeft();
    }, 60_000);

    test("has the container's own network, or none", async () => {
      await run("-d", "--name", "n", "busybox", "sleep", "1000");
      const address = (await inspect("n", ".NetworkSettings.IPAddress")).trim();
      expect(address).toMatch(/^\d+\.\d+\.\d+\.\d+$/);
      expect(await told("exec", "n", "ip", "-4", "addr", "show")).toContain(`inet ${address}/`);
      const { stdout } = await run("--rm", "--network", "none", "busybox", "ip", "addr");
      expect(stdout).toContain("127.0.0.1");
      expect(stdout).not.toContain("eth0");
      await nothingLeft();
    }, 60_000);

    test("has the network of another container", async () => {
      await berth("run", "-d", "--name", "owner", "busybox", "sleep", "1000");
      const address = (await inspect("owner", ".NetworkSettings.IPAddress")).trim();
      const { stdout } = await run("--rm", "--network", "container:owner", "busybox", "ip", "-4", "addr");
      expect(stdout).toContain(`inet ${address}/`);
      await nothingLeft();
    }, 60_000);

    test("binds what it is told to, and copies in and out", async () => {
      const bound = `${directory}/${runtime}-bound/new`;
      await run(
        "-d",
        "--name",
        "b",
        "-v",
        `${bound}:/data`,
        "busybox",
        "sh",
        "-c",
        "echo from inside > /data/file; sleep 1000",
      );
      await until("its file", async () => (await told("exec", "b", "cat", "/data/file")) === "from inside\n");
      expect(readFileSync(`${bound}/file`, "utf8")).toBe("from inside\n");
      writeFileSync(`${directory}/out`, "from outside\n");
      expect(await told("cp", `${directory}/out`, "b:/in")).toBe("");
      expect(await told("exec", "b", "cat", "/in")).toBe("from outside\n");
      expect(await told("exec", "b", "sh", "-c", "echo there > /there")).toBe("");
      expect(await told("cp", "b:/there", `${directory}/there`)).toBe("");
      expect(readFileSync(`${directory}/there`, "utf8")).toBe("there\n");
      expect(await told("diff", "b")).toContain("A /there\n");
      await nothingLeft();
    }, 60_000);

    test("outlives the engine; the next one has it, its execs, its output and its end", async () => {
      await run("-di", "--name", "e", "busybox", "sh", "-c", "echo before; read line; echo after; exit 6");
      await run("-d", "--name", "f", "busybox", "sh", "-c", "sleep 0.5; exit 9");
      const before = await inspect("e", ".State.Pid");
      await engine.kill();
      await engine.start();
      expect(await inspect("e", ".State.Pid")).toBe(before);
      expect(await told("exec", "e", "echo", "still here")).toBe("still here\n");
      expect((await engine.berth(["attach", "e"], { stdin: "go\n" })).code).toBe(6);
      expect(await told("logs", "e")).toBe("before\nafter\n");
      expect(await told("wait", "f")).toBe("9\n");
      await run("-d", "--name", "g", "busybox", "sleep", "1000");
      expect(await told("rm", "-f", "g")).toBe("g\n");
      await nothingLeft();
    }, 60_000);

    test("refuses by name what only berth's own runtime does", async () => {
      expect((await run("--rm", "--init", "busybox", "true")).stderr).toContain(
        `the runtime "${runtime}" does not do berth's init (--init)`,
      );
      expect((await run("--explain=sh", "busybox", "true")).stderr).toContain(
        "another one's steps are its own",
      );
      expect((await run("--explain=json", "busybox", "true")).stdout).toContain(`"create",`);
    }, 60_000);
  });

describe.if(has("root", "busybox"))("the engine with a runtime that is told to join", () => {
  let engine: TestEngine;
  beforeAll(async () => {
    engine = await startEngine({
      image: "busybox",
      arguments: ["--config-file", `${directory}/daemon.json`],
    });
  }, 30_000);
  afterAll(() => engine[Symbol.asyncDispose](), 30_000);

  test("holds the namespace open: no number that may be another's by then is handed on", async () => {
    await engine.berth(["run", "-d", "--name", "owner", "--ipc", "shareable", "busybox", "sleep", "1000"]);
    const modes = ["--network", "--ipc", "--pid"].flatMap((option) => [option, "container:owner"]);
    const { code } = await engine.berth(["run", "--rm", "--runtime", "noting", ...modes, "busybox", "true"]);
    expect(code).toBe(125);
    const { linux } = JSON.parse(readFileSync(`${directory}/noted`, "utf8")) as Spec;
    const joined = linux.namespaces.flatMap(({ type, path }) => (path === undefined ? [] : [[type, path]]));
    const held = expect.stringMatching(new RegExp(`^/proc/${engine.pid}/fd/\\d+$`));
    expect(Object.fromEntries(joined)).toEqual({ network: held, ipc: held, pid: held });
    const { stdout } = await command(["ls", "-l", `/proc/${engine.pid}/fd`]);
    expect(stdout).not.toMatch(/-> (net|ipc|pid):/);
    await engine.removeContainers();
  }, 60_000);
});

describe.if(has("root", "busybox", "runc", "docker"))("a client", () => {
  let engine: TestEngine;
  beforeAll(async () => {
    engine = await startEngine({
      image: "busybox",
      arguments: ["--add-runtime", "mine=/usr/sbin/runc", "--default-runtime", "mine"],
    });
  }, 30_000);
  afterAll(() => engine[Symbol.asyncDispose](), 30_000);
  const docker = (...words: string[]) =>
    command(["docker", ...words], { env: engine.client, timeoutMs: 60_000 });

  test("of docker names a runtime, and sees which there are", async () => {
    expect(await docker("run", "--runtime", "runc", "--rm", "busybox", "echo", "hi")).toMatchObject({
      stdout: "hi\n",
      code: 0,
    });
    const { stdout } = await docker("info", "-f", "{{json .Runtimes}} {{.DefaultRuntime}}");
    expect(stdout).toContain('"mine":{"path":"/usr/sbin/runc"}');
    expect(stdout).toEndWith(" mine\n");
  }, 60_000);

  test("that names none gets the default one, and keeps it", async () => {
    const { stdout: id } = await docker("create", "busybox", "true");
    expect((await docker("inspect", "-f", "{{.HostConfig.Runtime}}", id.trim())).stdout).toBe("mine\n");
  }, 60_000);

  test("that names one which there is not is told so in docker's words", async () => {
    const { stderr, code } = await docker("run", "--runtime", "kata", "busybox", "true");
    expect(stderr).toContain("unknown or invalid runtime name: kata");
    expect(code).toBe(125);
    expect(
      await engine.api("POST", "/containers/create", {
        Image: "busybox",
        HostConfig: { Runtime: "../../bin/sh" },
      }),
    ).toMatchObject({
      status: 400,
      body: { message: "unknown or invalid runtime name: ../../bin/sh" },
    });
  }, 60_000);
});
