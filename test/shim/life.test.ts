/** From the barrier to the exit record: starts, failures, signals, and an engine that comes and goes. */
import { describe, expect, test } from "bun:test";
import { closeSync, existsSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { makeFifo, memfd } from "../../src/kernel/files.ts";
import { kill } from "../../src/kernel/processes.ts";
import { socketpair } from "../../src/kernel/sockets.ts";
import { encodePlan } from "../../src/runtime/encode.ts";
import { signalFrame } from "../../src/runtime/frames.ts";
import { PROTOCOL_VERSION } from "../../src/runtime/protocol.ts";
import type { Op } from "../../src/runtime/op.ts";
import { has } from "../support/parts.ts";
import { Place } from "./support/place.ts";
import { containerPlan, PATH, supervision } from "./support/plan.ts";
import { SHIM } from "./support/program.ts";
import { failureOf, runContainer, Shim } from "./support/shim.ts";
import { until } from "./support/within.ts";

const root = test.if(has("root", "busybox"));
const MEMORY = "/sys/fs/cgroup/memory";
const memory = test.if(has("root", "busybox") && existsSync(`${MEMORY}/memory.oom_control`));
const OPEN_STDIN = 2;
const INIT = 8;
const SIGKILL = 9;

function isAlive(pid: number): boolean {
  // A zombie has ended; whoever adopts it is not our concern.
  const status = existsSync(`/proc/${pid}/status`)
    ? readFileSync(`/proc/${pid}/status`, "utf8")
    : "State:\tX";
  return !/^State:\s+[XZ]/m.test(status);
}

describe("the start", () => {
  root("waits at the barrier until it is opened", async () => {
    using place = new Place();
    await using shim = await Shim.container(place, { argv: ["echo", "hi"] });
    const ready = await shim.control.next("state", ({ phase }) => phase === 2);
    expect(readFileSync(`/proc/${ready.pid}/comm`, "utf8")).not.toBe("echo\n");
    await until("the record", () => existsSync(`${place.run}/state`));
    expect(place.record("state")).toMatchObject({
      version: PROTOCOL_VERSION,
      pid: ready.pid,
      shimPid: shim.pid,
    });
    shim.start();
    expect((await shim.exited()).exitCode).toBe(0);
  });

  root("may be wished for before the child is ready", async () => {
    using place = new Place();
    const shim = await Shim.launch(place, containerPlan(place, { argv: ["true"] }));
    await using _shim = shim;
    shim.start();
    expect((await shim.exited()).exitCode).toBe(0);
  });

  root("needs no barrier", async () => {
    using place = new Place();
    // Nobody attaches: program and shim may have ended before one could.
    await using shim = await Shim.launch(place, containerPlan(place, { argv: ["true"], barrier: false }));
    expect((await shim.exited()).exitCode).toBe(0);
  });

  root("takes as many arguments as a plan holds", async () => {
    using place = new Place();
    const argv = ["sh", "-c", "echo $#", ...Array.from({ length: 60_000 }, (_, index) => `${index}`)];
    expect((await runContainer(place, { argv })).stdout).toBe("59999\n");
  });

  root("is on record once the program runs", async () => {
    using place = new Place();
    await using shim = await Shim.container(place, { argv: ["sleep", "60"] });
    shim.start();
    const { pid, startTime } = await shim.running();
    await until("the record", () => place.record("state").phase === "running");
    expect(place.record("state")).toMatchObject({ pid, startTime: Number(startTime) });
    expect(readFileSync(`/proc/${pid}/cmdline`, "utf8")).toBe("sleep\u000060\u0000");
  });
});

describe("a start that fails", () => {
  root.each([
    ["a program that is not there", { argv: ["nothing"] }, 2, 'exec: "nothing"'],
    ["a path that is not there", { argv: ["/bin/nothing"] }, 2, 'exec: "/bin/nothing"'],
    ["a directory", { argv: ["/bin"] }, 13, 'exec: "/bin"'],
    ["a file that is not executable", { argv: ["/etc/passwd"] }, 13, 'exec: "/etc/passwd"'],
    [
      "one without the permission among the PATH",
      { argv: ["passwd"], env: ["PATH=/etc:/bin"] },
      13,
      'exec: "passwd"',
    ],
    ["no PATH at all", { argv: ["true"], env: [] }, 2, 'exec: "true"'],
    [
      "an unknown user",
      { argv: ["true"], user: "nobody-here" },
      2,
      "unable to find user nobody-here: no matching entries in passwd file",
    ],
    [
      "a working directory that is a file",
      { argv: ["true"], cwd: "/etc/passwd" },
      20,
      'mkdir working directory "/etc/passwd"',
    ],
  ])("names %s", async (_, options, errno, object) => {
    using place = new Place();
    const plan = containerPlan(place, options);
    const failed = await failureOf(place, plan);
    expect(failed).toMatchObject({ errno, object });
    const culprit = plan[failed.op]?.op;
    expect(["exec", "user", "cwd"]).toContain(culprit ?? "");
    expect(place.record("exit")).toMatchObject({ exitCode: -1, failedOp: failed.op, errno, object: object });
  });

  root("names a script without an interpreter", async () => {
    using place = new Place();
    place.put("bin/wrong-format", "\u0000\u0001garbage", 0o755);
    place.put("bin/no-interpreter", "#!/bin/nothing\n", 0o755);
    expect(await failureOf(place, containerPlan(place, { argv: ["wrong-format"] }))).toMatchObject({
      errno: 8,
    });
    using other = new Place();
    other.put("bin/no-interpreter", "#!/bin/nothing\n", 0o755);
    expect(await failureOf(other, containerPlan(other, { argv: ["no-interpreter"] }))).toMatchObject({
      errno: 2,
    });
  });

  root.each([
    ["before the clone", 3, { op: "write", path: "/nothing/here", data: "1", optional: false }],
    ["in a directory that is there", 3, { op: "mkdir", path: "/tmp", mode: 0o755, existOk: false }],
    ["in the clone", 4, { op: "clone", flags: 0, cgroup: "/nothing" }],
  ] as const)("names an op of the shim itself: %s", async (_, index, op) => {
    using place = new Place();
    const plan: Op[] = containerPlan(place, { argv: ["true"], before: [op as Op] });
    const failed = await failureOf(place, plan);
    expect(plan[failed.op]?.op).toBe(op.op);
    expect(failed.op).toBeLessThanOrEqual(index);
    expect(place.record("exit")).toMatchObject({ exitCode: -1, failedOp: failed.op });
  });

  root("ends the child and all it has mounted; the record of a name with quotes is still JSON", async () => {
    using place = new Place();
    const object = 'exec: "/bin/\u0001\\"\u00e9"';
    const failed = await failureOf(place, containerPlan(place, { argv: ['/bin/\u0001\\"\u00e9'] }));
    expect(failed.object).toBe('exec: "/bin/\u0001\\"\u00e9"');
    expect(String(place.record("exit").object).length).toBeGreaterThan(object.length - 3);
    expect(readFileSync("/proc/self/mountinfo", "utf8")).not.toContain(place.top);
  });

  root("of a torn plan is no crash", async () => {
    using place = new Place();
    const whole = encodePlan(containerPlan(place, { argv: ["true"] }));
    for (const size of [0, 8, 15, 16, 17, whole.length >> 1, whole.length - 8]) {
      const torn = Buffer.from(whole.subarray(0, size));
      if (size >= 16) torn.writeUInt32LE(size, 12); // a length that claims to be right
      expect((await failureOf(place, torn)).errno).toBeGreaterThan(0);
    }
  });
});

describe("the exit", () => {
  root("is on record before anyone is told", async () => {
    using place = new Place();
    await using shim = await Shim.container(place, { argv: ["sh", "-c", "exit 42"] });
    shim.start();
    const { exitCode, finishedAt, flags } = await shim.exited();
    expect({ exitCode, flags }).toEqual({ exitCode: 42, flags: 0 });
    const text = readFileSync(`${place.run}/exit`, "utf8");
    expect(text).toBe(`{"exitCode":42,"oomKilled":false,"lostEntries":0,"finishedAt":${finishedAt}}\n`);
  });

  root("by a signal is 128 and its number", async () => {
    using place = new Place();
    await using shim = await Shim.container(place, { argv: ["sleep", "60"] });
    shim.start();
    await shim.running();
    shim.control.send(signalFrame(9));
    expect(await shim.control.next("reply")).toMatchObject({ to: 4, errno: 0 });
    expect(await shim.exited()).toMatchObject({ exitCode: 137, flags: 2 });
  });

  root("waits for output that comes late, but not for ever", async () => {
    using place = new Place();
    const script = `(sleep 0.1; echo late; exec sleep 60) & echo $! >${place.top}/late; exit 3`;
    const plan: Op[] = [
      ...supervision(place, { argv: [], drainMs: 2000 }),
      { op: "clone", flags: 0, cgroup: "" },
      { op: "exec", argv: ["/bin/sh", "-c", script], env: [PATH], setHome: false },
    ];
    await using shim = await Shim.launch(place, plan);
    expect((await shim.exited()).exitCode).toBe(3);
    expect(place.entries().map(({ log }) => log)).toEqual(["late\n"]);
    kill(Number(readFileSync(`${place.top}/late`, "utf8")), SIGKILL);
  });

  root.each([
    [0, "last words"],
    [300, "last words"],
  ])("comes although a grandchild prints for ever: drained for %d ms", async (drainMs, words) => {
    using place = new Place();
    const script = `echo ${words}; (exec timeout 3 yes) & exit 3`;
    const plan: Op[] = [
      ...supervision(place, { argv: [], drainMs, log: { maxBytes: 0 } }),
      { op: "clone", flags: 0, cgroup: "" },
      { op: "exec", argv: ["/bin/sh", "-c", script], env: [PATH], setHome: false },
    ];
    await using shim = await Shim.launch(place, plan);
    expect((await shim.exited()).exitCode).toBe(3);
    expect(place.entries()[0]?.log).toBe(`${words}\n`);
  });

  memory("tells a process that the kernel killed for its memory", async () => {
    using place = new Place();
    const group = `${MEMORY}/bs-${place.id}`;
    const before: Op[] = [
      { op: "mkdir", path: group, mode: 0o755, existOk: false },
      { op: "write", path: `${group}/memory.limit_in_bytes`, data: "16777216", optional: false },
      { op: "oom-counter", file: `${group}/memory.oom_control` },
    ];
    const plan = containerPlan(place, { argv: ["sh", "-c", "x=$(tr '\\0' x </dev/zero)"], before });
    const clone = plan.findIndex(({ op }) => op === "clone");
    plan.splice(clone + 1, 0, { op: "write", path: `${group}/tasks`, data: "0", optional: false });
    try {
      await using shim = await Shim.launch(place, plan);
      shim.start();
      const { exitCode, flags } = await shim.exited();
      expect(flags & 1).toBe(1);
      expect(exitCode).not.toBe(0);
      expect(place.record("exit")).toMatchObject({ oomKilled: true });
      await shim.ended;
    } finally {
      await until("the group to be empty", () => readFileSync(`${group}/tasks`, "utf8") === "");
      rmdirSync(group);
    }
  });
});

describe("signals", () => {
  root("reach the process; one that it catches does not end it", async () => {
    using place = new Place();
    const argv = ["sh", "-c", "trap 'echo caught; exit 5' TERM; echo ready; while :; do sleep 0.05; done"];
    await using shim = await Shim.container(place, { argv });
    const client = await shim.attach();
    shim.start();
    await client.until("ready");
    shim.control.send(signalFrame(15));
    await client.until("caught");
    expect((await shim.exited()).exitCode).toBe(5);
  });

  root("that do not exist are refused", async () => {
    using place = new Place();
    await using shim = await Shim.container(place, { argv: ["sleep", "60"] });
    shim.start();
    await shim.running();
    shim.control.send(signalFrame(99));
    expect(await shim.control.next("reply")).toMatchObject({ errno: 22 });
  });

  root("are the program's own again: none is blocked or ignored", async () => {
    using place = new Place();
    const { stdout } = await runContainer(place, {
      argv: ["grep", "-E", "Sig(Blk|Ign|Cgt)", "/proc/self/status"],
    });
    expect(stdout.match(/0{16}/g)).toHaveLength(3);
  });
});

describe("--init", () => {
  root("reaps what the program leaves behind and ends as it ends", async () => {
    using place = new Place();
    const script =
      "(sh -c 'echo $$ >/tmp/left; exec sleep 0.05' &); until [ -s /tmp/left ]; do usleep 1000; done;" +
      "while [ -d /proc/$(cat /tmp/left) ]; do usleep 1000; done; ps -o pid,stat,comm; exit 9";
    const { stdout, exitCode } = await runContainer(place, { argv: ["sh", "-c", script], flags: INIT });
    expect(exitCode).toBe(9);
    expect(stdout).not.toContain("Z");
    expect(stdout).toMatch(/^ *1 [SR]/m);
  });

  root("passes signals on", async () => {
    using place = new Place();
    await using shim = await Shim.container(place, { argv: ["sleep", "60"], flags: INIT });
    shim.start();
    await shim.running();
    shim.control.send(signalFrame(15));
    expect((await shim.exited()).exitCode).toBe(143);
  });

  root("says that the program is not there", async () => {
    using place = new Place();
    const failed = await failureOf(place, containerPlan(place, { argv: ["nothing"], flags: INIT }));
    expect(failed).toMatchObject({ errno: 2, object: 'exec: "nothing"' });
  });

  root("holds none of the program's streams", async () => {
    using place = new Place();
    await using shim = await Shim.container(place, {
      argv: ["sh", "-c", "exec 1>&- 2>&-; sleep 60"],
      flags: INIT,
    });
    const client = await shim.attach();
    shim.start();
    const { pid } = await shim.running();
    await until("pid 1 to let go", async () => (await Bun.$`ls /proc/${pid}/fd`.text()) === "");
    expect(isAlive(pid)).toBe(true);
    client.wire.close();
  });

  root("leaves Ctrl-C to the program of a terminal", async () => {
    using place = new Place();
    const argv = [
      "sh",
      "-c",
      "trap 'echo interrupted; exit 4' INT; echo ready; while :; do sleep 0.05; done",
    ];
    await using shim = await Shim.container(place, { argv, flags: INIT | OPEN_STDIN, terminal: true });
    const client = await shim.attach();
    shim.start();
    await client.until("ready");
    client.write("\u0003");
    await client.until("interrupted");
    expect((await shim.exited()).exitCode).toBe(4);
  });
});

describe("an engine that vanishes", () => {
  root("before anybody could ask the shim takes it along", async () => {
    using place = new Place();
    const [engine, fifo] = [`${place.top}/engine`, `${place.top}/fifo`];
    writeFileSync(engine, `#!/bin/sh\n${SHIM}\nexit\n`, { mode: 0o755 });
    makeFifo(fifo, 0o600);
    const before: Op[] = [{ op: "write", path: fifo, data: "1", optional: false }]; // nobody reads: it goes no further
    await using launched = await Shim.launch(place, containerPlan(place, { argv: ["true"], before }), engine);
    const { pid } = launched;
    const children = () => readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim();
    const name = (child: string) => Bun.file(`/proc/${child}/comm`).text();
    await until("the shim", async () => children() !== "" && (await name(children())) === "berth-shim\n");
    const shim = Number(children());
    kill(pid, SIGKILL);
    await until("the end of the shim", () => !isAlive(shim));
    expect(readdirSync(place.run)).toEqual([]);
  });

  root("before the shim has begun takes it along", async () => {
    using place = new Place();
    const plan = memfd("plan", encodePlan(containerPlan(place, { argv: ["true"] })), { seal: true });
    const [ours, theirs] = socketpair();
    closeSync(ours);
    const shim = Bun.spawn([SHIM], { stdio: ["ignore", "ignore", "inherit", plan, theirs], env: {} });
    for (const fd of [plan, theirs]) closeSync(fd);
    expect(await shim.exited).toBe(1);
    expect(readdirSync(place.run)).toEqual([]);
  });

  root("before the start leaves no process behind, but a record", async () => {
    using place = new Place();
    await using shim = await Shim.container(place, { argv: ["sleep", "60"] });
    const { pid } = await shim.control.next("state", ({ phase }) => phase === 2);
    shim.control.close();
    await shim.ended;
    expect(isAlive(pid)).toBe(false);
    expect(place.record("exit")).toMatchObject({ exitCode: -1, errno: 125 });
  });

  root("after the start changes nothing: another one finds the process, its output and its end", async () => {
    using place = new Place();
    const argv = ["sh", "-c", "echo one; read -r line; echo two; exit 6"];
    await using shim = await Shim.container(place, { argv, flags: OPEN_STDIN });
    shim.start();
    const { pid } = await shim.running();
    await until("the first line", () => place.entries().length === 1);
    shim.control.close();
    const second = await shim.controller();
    expect(await second.next("state")).toMatchObject({ phase: 3, pid, shimPid: shim.pid });
    const client = await shim.attach();
    client.write("go\n");
    expect((await client.output()).stdout).toBe("two\n");
    expect(await second.next("exited")).toMatchObject({ exitCode: 6 });
    expect(place.entries().map(({ log }) => log)).toEqual(["one\n", "two\n"]);
  });

  root("never comes back: the exit is on record, the shim gone", async () => {
    using place = new Place();
    await using shim = await Shim.container(place, { argv: ["sh", "-c", "sleep 0.1; exit 8"] });
    shim.start();
    await shim.running();
    shim.control.close();
    expect(await shim.ended).toBe(0);
    expect(place.record("exit")).toMatchObject({ exitCode: 8 });
  });
});
