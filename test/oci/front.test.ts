/** Commands that an engine performs for their callers: which those are, where it must not, and what is left when either of the two is lost. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { chmod, chown, mkdir, open, readFile, rm, writeFile } from "node:fs/promises";
import * as protocol from "../../src/front/protocol.ts";
import { isAlive } from "../support/command.ts";
import { has } from "../support/parts.ts";
import { type Config, Place } from "./bundle.ts";

const here = has("root", "busybox", "strace") && process.arch === "x64";
let place: Place;

beforeAll(async () => {
  if (here) place = await Place.make({ engine: true });
});
afterAll(async () => {
  if (here) await place[Symbol.asyncDispose]();
});

interface Course {
  readonly stdout: string;
  readonly stderr: string;
  readonly code: number;
  /** Whether Bun was started in the end. */
  readonly alone: boolean;
}

interface Circumstances {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Words before the runtime's name. */
  readonly wrapper?: readonly string[];
}

async function course(
  words: readonly string[],
  { env = {}, cwd, wrapper = [] }: Circumstances = {},
): Promise<Course> {
  const [out, err] = [`${place.path}/out`, `${place.path}/err`];
  await Promise.all([Bun.write(out, ""), Bun.write(err, "")]);
  const root = words.includes("--root") ? [] : ["--root", place.state(place.berth)];
  const traced = ["strace", "-qq", "-e", "trace=execveat", "-o", `${place.path}/trace`];
  const child = Bun.spawn([...traced, ...wrapper, place.berth, ...root, ...words], {
    cwd: cwd ?? place.bundle(place.berth),
    env: { ...place.env, ...env },
    stdio: ["ignore", Bun.file(out), Bun.file(err)],
    timeout: 20_000,
    killSignal: "SIGKILL",
  });
  const code = await child.exited;
  // The executable becomes the front, and the front the executable again.
  const changes = (await readFile(`${place.path}/trace`, "utf8")).match(/execveat\(/g)?.length ?? 0;
  return {
    code,
    stdout: await readFile(out, "utf8"),
    stderr: await readFile(err, "utf8"),
    alone: changes !== 1,
  };
}

test.if(here)("a container's life, without a start of Bun", async () => {
  await place.configure("exec sleep 1000");
  for (const [words, code] of [
    [["create", "a1"], 0],
    [["state", "a1"], 0],
    [["start", "a1"], 0],
    [["exec", "a1", "true"], 0],
    [["exec", "a1", "sh", "-c", "exit 7"], 7],
    [["exec", "--detach", "a1", "true"], 0],
    [["pause", "a1"], 0],
    [["resume", "a1"], 0],
    [["kill", "a1", "KILL"], 0],
    [["delete", "--force", "a1"], 0],
    [["state", "a1"], 1],
    [["run", "--detach", "a2"], 0],
    [["delete", "--force", "a2"], 0],
  ] as const)
    expect({ words, ...(await course(words)) }).toMatchObject({ words, code, alone: false });
});

test.if(here)("run prints, ends with the program's code, and leaves nothing", async () => {
  await place.configure("echo out; echo err >&2; exit 3");
  expect(await course(["run", "b1"])).toEqual({ stdout: "out\n", stderr: "err\n", code: 3, alone: false });
  expect(existsSync(`${place.state(place.berth)}/b1`)).toBe(false);
});

test.if(here)("paths begin where the caller is", async () => {
  await place.configure("exec sleep 1000");
  const cwd = `${place.path}/ours`;
  const words = ["--root", "state", "--log", "log", "create", "--bundle", ".", "--pid-file", "pid", "c1"];
  expect(await course(words, { cwd })).toMatchObject({ code: 0, alone: false });
  expect(existsSync(`${cwd}/state/c1/state.json`)).toBe(true);
  expect(existsSync(`${cwd}/log`)).toBe(true);
  expect(await isAlive(Number(await readFile(`${cwd}/pid`, "utf8")))).toBe(true);
  const state = JSON.parse((await course(["--root", "state", "state", "c1"], { cwd })).stdout) as object;
  expect(state).toMatchObject({ id: "c1", bundle: cwd });
  expect(await course(["--root", "state", "delete", "--force", "c1"], { cwd })).toMatchObject({ code: 0 });
});

test.if(here)("limits and the OOM score are the caller's", async () => {
  await place.configure("ulimit -n; cat /proc/self/oom_score_adj", (config) => {
    delete config.process["rlimits"];
    delete config.process["oomScoreAdj"];
  });
  const wrapper = ["sh", "-c", 'ulimit -n 333; echo 77 >/proc/self/oom_score_adj; exec "$@"', "sh"];
  const answer = { stdout: "333\n77\n", stderr: "", code: 0 };
  expect(await course(["run", "d1"], { wrapper })).toEqual({ ...answer, alone: false });
  expect(await course(["run", "d1"], { wrapper, env: { BERTH_ALONE: "1" } })).toEqual({
    ...answer,
    alone: true,
  });
});

test.if(here).each([
  ["an own mount namespace", { wrapper: ["unshare", "--mount"] }],
  ["an own UTS namespace", { wrapper: ["unshare", "--uts"] }],
  ["an own network namespace", { wrapper: ["unshare", "--net"] }],
  ["fewer capabilities", { wrapper: ["setpriv", "--bounding-set", "-sys_time"] }],
  ["no new privileges", { wrapper: ["setpriv", "--no-new-privs"] }],
  ["another umask", { wrapper: ["sh", "-c", 'umask 077; exec "$@"', "sh"] }],
  ["ignored ends of children", { wrapper: ["sh", "-c", 'trap "" CHLD; exec "$@"', "sh"], alone: false }],
  ["sockets of the service manager", { env: { LISTEN_FDS: "0", NOTIFY_SOCKET: "" }, alone: false }],
  ["no wish for it", { env: { BERTH_ALONE: "" } }],
  ["a run directory without an engine", { env: { BERTH_RUN: "/nonexistent" } }],
  ["a run directory whose path is too long", { env: { BERTH_RUN: `/tmp/${"x".repeat(100)}` } }],
  ["a run directory by a relative path", { env: { BERTH_RUN: "run" } }],
] as const)("a caller with %s is served all the same", async (_, circumstances) => {
  await place.configure("echo here");
  const { alone = true } = circumstances as { alone?: boolean };
  expect(await course(["run", "e1"], circumstances)).toEqual({
    stdout: "here\n",
    stderr: "",
    code: 0,
    alone,
  });
});

test.if(here)("what takes long, or is for people, is done by the caller itself", async () => {
  await place.configure("exec sleep 1000");
  expect(await course(["run", "--detach", "f1"])).toMatchObject({ code: 0, alone: false });
  for (const words of [
    ["list"],
    ["ps", "f1"],
    ["events", "--stats", "f1"],
    ["update", "--pids-limit", "9", "f1"],
  ])
    expect({ words, ...(await course(words)) }).toMatchObject({ words, code: 0, alone: true });
  for (const words of [
    ["--help"],
    ["run", "--help"],
    ["--version"],
    ["frob"],
    ["run"],
    ["run", "--frob", "x"],
  ])
    expect({ words, ...(await course(words)) }).toMatchObject({ words, alone: true });
  expect(await course(["delete", "--force", "f1"])).toMatchObject({ code: 0 });
});

/** Whether a command with this word waits for a lock. */
function waitsForLock(word: string): boolean {
  const waiting = readFileSync("/proc/locks", "utf8").matchAll(/-> FLOCK +ADVISORY +WRITE +(\d+)/g);
  return [...waiting].some(([, pid]) => {
    const words = existsSync(`/proc/${pid}/cmdline`) ? readFileSync(`/proc/${pid}/cmdline`, "utf8") : "";
    return words.includes(place.path) && words.split("\0").includes(word);
  });
}

test.if(here)("a container that another command holds is waited for by the caller", async () => {
  await place.configure("exec sleep 1000");
  await course(["create", "g1"]);
  const directory = `${place.state(place.berth)}/g1`;
  const holder = Bun.spawn(["flock", directory, "sh", "-c", "echo held; exec cat"], {
    stdio: ["pipe", "pipe", "ignore"],
  });
  await holder.stdout.getReader().read();
  const starting = course(["start", "g1"]);
  await until(() => waitsForLock("start"));
  await holder.stdin.end();
  expect(await starting).toMatchObject({ stderr: "", code: 0, alone: true });
  expect(await holder.exited).toBe(0);
  expect(await course(["delete", "--force", "g1"])).toMatchObject({ code: 0 });
});

test.if(here)("a hook may call the runtime: nobody waits for himself", async () => {
  const asks = (id: string) => ({
    path: "/bin/sh",
    args: [
      "sh",
      "-c",
      `exec ${place.berth} --root ${place.state(place.berth)} state ${id} >>${place.path}/told`,
    ],
    env: [`BERTH_RUN=${place.engine?.run}`],
  });
  await place.configure("true", (config) => {
    config.hooks = { createRuntime: [asks("h1")], poststart: [asks("h1")] };
  });
  expect(await course(["run", "h1"])).toMatchObject({ stderr: "", code: 0, alone: false });
  expect((await readFile(`${place.path}/told`, "utf8")).match(/"status": "\w+"/g)).toHaveLength(2);
});

/** A hook that says that it runs, and goes on until it is let go. */
async function configureSlow(change: (config: Config) => void = () => undefined): Promise<void> {
  for (const name of ["hooked", "go"]) await rm(`${place.path}/${name}`, { force: true });
  const script = `echo >${place.path}/hooked; for n in $(seq 1000); do [ -e ${place.path}/go ] && exit; sleep 0.01; done`;
  const args = ["sh", "-c", script];
  await place.configure("exec sleep 1000", (config) => {
    config.hooks = { createRuntime: [{ path: "/bin/sh", args, env: ["PATH=/bin"] }] };
    change(config);
  });
}

async function until(what: () => boolean): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!what()) {
    if (Date.now() > deadline) throw new Error("it has not happened within ten seconds");
    await Bun.sleep(5);
  }
}

async function letHookGo(): Promise<void> {
  await writeFile(`${place.path}/go`, "");
}

const create = (id: string) => begin("create", id);

function begin(...words: readonly string[]): Bun.Subprocess {
  return Bun.spawn([place.berth, "--root", place.state(place.berth), ...words], {
    cwd: place.bundle(place.berth),
    env: place.env,
    stdio: ["ignore", "ignore", Bun.file(`${place.path}/err`)],
  });
}

test.if(here)(
  "of a create whose caller was killed nothing is left, and its name is free at once",
  async () => {
    await configureSlow();
    const child = create("i1");
    await until(() => existsSync(`${place.path}/hooked`));
    child.kill("SIGKILL");
    await child.exited;
    expect(await course(["delete", "--force", "i1"])).toMatchObject({ stderr: "", code: 0 });
    await place.configure("exec sleep 1000");
    expect(await course(["create", "i1"])).toMatchObject({ stderr: "", code: 0 });
    await letHookGo();
    await Bun.sleep(200); // the hook has ended, and with it the first create
    expect(JSON.parse((await course(["state", "i1"])).stdout)).toMatchObject({ status: "created" });
    expect(await course(["delete", "--force", "i1"])).toMatchObject({ code: 0 });
  },
);

test.if(here)("where only the caller was killed the engine takes back what it has made", async () => {
  await configureSlow();
  const child = create("j1");
  await until(() => existsSync(`${place.path}/hooked`));
  child.kill("SIGKILL");
  await child.exited;
  await letHookGo();
  await until(() => !existsSync(`${place.state(place.berth)}/j1`));
});

test.if(here)("a signal before the program runs is kept for it", async () => {
  await configureSlow(({ linux }) => {
    linux.namespaces = linux.namespaces.filter(({ type }) => type !== "pid"); // else the kernel spares it
  });
  const child = begin("run", "q1");
  await until(() => existsSync(`${place.path}/hooked`));
  child.kill("SIGTERM");
  await letHookGo();
  expect({ code: await child.exited, signal: child.signalCode }).toEqual({ code: 143, signal: null });
  expect(existsSync(`${place.state(place.berth)}/q1`)).toBe(false);
});

test.if(here)("a signal that no attendant will pass on ends create, whatever hook it waits for", async () => {
  await configureSlow();
  const child = create("q2");
  await until(() => existsSync(`${place.path}/hooked`));
  child.kill("SIGINT");
  expect({ code: await child.exited, signal: child.signalCode }).toEqual({ code: 130, signal: "SIGINT" });
  await letHookGo();
  await until(() => !existsSync(`${place.state(place.berth)}/q2`));
});

test.if(here)("an engine that is killed in the middle is told of, and delete removes the rest", async () => {
  await configureSlow();
  const child = create("k1");
  await until(() => existsSync(`${place.path}/hooked`));
  await place.engine?.kill();
  await letHookGo();
  expect(await child.exited).toBe(1);
  expect(await readFile(`${place.path}/err`, "utf8")).toContain(
    "the engine that performed this command has ended",
  );
  expect(await course(["delete", "--force", "k1"])).toMatchObject({ stderr: "", code: 0, alone: true });
  expect(existsSync(`${place.state(place.berth)}/k1`)).toBe(false);
  await place.engine?.start();
  await place.configure("echo again");
  expect(await course(["run", "k1"])).toMatchObject({ stdout: "again\n", alone: false });
});

test.if(here)("an engine that is told to end lets a command end first", async () => {
  await configureSlow();
  const child = create("l1");
  await until(() => existsSync(`${place.path}/hooked`));
  const ended = place.engine?.terminate();
  await letHookGo();
  expect(await ended).toBe(0);
  expect(await child.exited).toBe(0);
  expect(await course(["delete", "--force", "l1"])).toMatchObject({ stderr: "", code: 0, alone: true });
  await place.engine?.start();
});

test.if(here)("an engine that stands still keeps nobody waiting", async () => {
  await place.configure("echo here");
  process.kill(place.engine?.pid ?? 0, "SIGSTOP");
  try {
    expect(await course(["run", "m1"])).toMatchObject({ stdout: "here\n", code: 0, alone: true });
  } finally {
    process.kill(place.engine?.pid ?? 0, "SIGCONT");
  }
});

/** Something at the engine's place that greets as told and then hangs up. */
async function besideStranger(greeting: Uint8Array, words: readonly string[]): Promise<Course> {
  const run = `${place.path}/stranger`;
  await mkdir(run, { recursive: true });
  using _stranger = Bun.listen({
    unix: `${run}/${protocol.FRONT_SOCKET}`,
    socket: {
      data(socket) {
        socket.write(greeting);
        socket.end();
      },
    },
  });
  return await course(words, { env: { BERTH_RUN: run } });
}

test.if(here).each([
  [
    "of another build",
    protocol.greeting(
      "other",
      Array.from({ length: protocol.FRONT_FACTS }, () => 0n),
    ),
  ],
  ["that says something else", new TextEncoder().encode("HTTP/1.1 400 Bad Request\r\n\r\n".repeat(20))],
  ["that hangs up", new Uint8Array()],
])("an engine %s is not asked", async (_, greeting) => {
  await place.configure("echo here");
  expect(await besideStranger(greeting, ["run", "n1"])).toMatchObject({
    stdout: "here\n",
    stderr: "",
    code: 0,
    alone: true,
  });
});

/** What the engine of this test answers to anybody. */
async function greetingOfOurs(): Promise<Buffer> {
  const { promise, resolve } = Promise.withResolvers<Buffer>();
  const unix = `${place.engine?.run}/${protocol.FRONT_SOCKET}`;
  const socket = await Bun.connect({
    unix,
    socket: { data: (_, bytes) => resolve(Buffer.from(bytes)) },
  });
  socket.write(protocol.frame(protocol.FRONT_HELLO));
  const greeting = await promise;
  socket.end();
  return greeting;
}

/** Whoever it is greets as the engine does, and then has root print what it likes. */
const STRANGER = `
  const [unix, greeting, orders] = process.argv.slice(1);
  Bun.listen({ unix, socket: {
    open: (socket) => void (socket.data = [greeting, orders]),
    data: (socket) => void socket.write(Buffer.from(socket.data.shift() ?? "", "hex")),
  } });
  require("node:fs").writeSync(1, "listens");
`;

test.if(here).each([
  ["root's is obeyed", 0, "ordered\n"],
  ["another user's is not asked", 65534, "here\n"],
])("an engine of %s", async (_, uid, stdout) => {
  const run = `${place.path}/stranger-${uid}`;
  await mkdir(run);
  await chown(run, uid, uid);
  await chmod(place.path, 0o711);
  const orders = Buffer.concat([
    protocol.frame(protocol.FRONT_PRINT, protocol.int32(1), Buffer.from("ordered\n")),
    protocol.frame(protocol.FRONT_END, protocol.int32(0)),
  ]);
  const greeting = await greetingOfOurs();
  const words = [`${run}/${protocol.FRONT_SOCKET}`, greeting.toString("hex"), orders.toString("hex")];
  const drop = ["setpriv", `--reuid=${uid}`, `--regid=${uid}`, "--clear-groups"];
  const stranger = Bun.spawn([...drop, process.execPath, "-e", STRANGER, ...words], {
    cwd: "/",
    stdio: ["ignore", "pipe", "inherit"],
  });
  try {
    await stranger.stdout.getReader().read();
    await place.configure("echo here");
    expect(await course(["run", "p1"], { env: { BERTH_RUN: run } })).toMatchObject({ stdout, code: 0 });
  } finally {
    stranger.kill();
    await stranger.exited;
  }
});

test.if(here)(
  "what speaks to the engine's socket without sense is hung up on, and the engine goes on",
  async () => {
    const path = `${place.engine?.run}/${protocol.FRONT_SOCKET}`;
    const huge = Buffer.alloc(8, 0xff);
    for (const bytes of [
      huge,
      protocol.frame(protocol.FRONT_CALL),
      protocol.frame(protocol.FRONT_CONTROL, protocol.uint64(7n)),
      protocol.frame(99, Buffer.from("x")),
    ]) {
      const { promise, resolve } = Promise.withResolvers<void>();
      const socket = await Bun.connect({ unix: path, socket: { data() {}, close: () => resolve() } });
      socket.write(bytes);
      if (bytes[4] === 99) socket.end(); // what it does not know it skips
      await promise;
    }
    await place.configure("echo here");
    expect(await course(["run", "o1"])).toMatchObject({ stdout: "here\n", code: 0, alone: false });
  },
);

const closing = (closed: string) => ["sh", "-c", `exec "$@" ${closed}`, "sh"];

test.if(here).each(["<&-", ">&-", "<&- >&-", "<&- >&- 2>&-"])(
  "a caller that has closed its streams (%s) shows nothing of ours to the container",
  async (closed) => {
    const wrapper = closing(closed);
    await place.configure("ls -l /proc/self/fd >/dev/null; exit 4");
    expect(await course(["run", "q1"], { wrapper })).toMatchObject({ code: 4 });
    for (const fd of [0, 1, 2]) {
      await place.configure("", (config) => (config.process.args = [`/proc/self/fd/${fd}`]));
      const ours = await course(["run", "q1"], { wrapper, env: { BERTH_ALONE: "1" } });
      expect(await course(["run", "q1"], { wrapper })).toMatchObject({ code: ours.code });
      expect(ours.code).not.toBe(0);
    }
  },
);

test.if(here)("with its ends ignored, a child's exit code is still the caller's", async () => {
  await place.configure("exit 3");
  const wrapper = ["sh", "-c", 'trap "" CHLD; exec "$@"', "sh"];
  for (const env of [{ A: "b" }, { BERTH_ALONE: "1" }] as Record<string, string>[])
    expect(await course(["run", "r1"], { wrapper, env })).toMatchObject({ code: 3 });
});

test.if(here)("files that are the caller's descriptors are read and written by the caller", async () => {
  await place.configure("exec sleep 1000");
  const words = ["--log", "/dev/stderr", "state", "nope"];
  expect(await course(words)).toMatchObject({
    code: 1,
    alone: true,
    stderr: expect.stringContaining("container does not exist"),
  });
  const cwd = place.bundle(place.berth);
  expect(await course(["create", "--bundle", "/proc/self/cwd", "s2"], { cwd })).toMatchObject({
    code: 0,
    alone: true,
  });
  expect(await course(["delete", "--force", "s2"])).toMatchObject({ code: 0 });
});

test.if(here)("a pipe in the place of a file holds up the caller, and not the engine", async () => {
  await place.configure("exec sleep 1000");
  await course(["run", "--detach", "t1"]);
  const pipe = `${place.path}/pipe`;
  expect(Bun.spawnSync(["mkfifo", pipe]).exitCode).toBe(0);
  const root = ["--root", place.state(place.berth)];
  const waiting = Bun.spawn([place.berth, ...root, "exec", "--process", pipe, "t1"], {
    env: place.env,
    stdio: ["ignore", "pipe", "ignore"],
  });
  const writer = await open(pipe, "w"); // that it can be opened says that somebody waits at its other end
  expect(await course(["state", "t1"])).toMatchObject({ code: 0, alone: false });
  await writer.writeFile(
    JSON.stringify({ cwd: "/", args: ["echo", "read"], env: ["PATH=/bin"], user: { uid: 0, gid: 0 } }),
  );
  await writer.close();
  expect(await waiting.stdout.text()).toBe("read\n");
  await course(["delete", "--force", "t1"]);
});

test.if(here)("what cannot be printed is a failure", async () => {
  await place.configure("exec sleep 1000");
  await course(["create", "u1"]);
  const wrapper = ["sh", "-c", 'exec "$@" >/dev/full', "sh"];
  const { stderr } = await course(["state", "u1"], { wrapper });
  expect(stderr).toContain("write: no space left on device");
  expect(await course(["state", "u1"], { wrapper })).toMatchObject({ code: 1, alone: false });
  await course(["delete", "--force", "u1"]);
});

test.if(here)("the caller's environment is not in the container's first process", async () => {
  await place.configure("exec sleep 1000");
  const pidFile = `${place.path}/pid-v1`;
  const words = ["create", "--pid-file", pidFile, "v1"];
  expect(await course(words, { env: { SECRET: "hunter2" } })).toMatchObject({ code: 0, alone: false });
  const pid = await readFile(pidFile, "utf8");
  expect(await readFile(`/proc/${pid}/environ`, "utf8")).not.toContain("hunter2");
  await course(["delete", "--force", "v1"]);
});

test.if(here)("arguments that are too long for a plan are refused, and the engine goes on", async () => {
  await place.configure("", (config) => (config.process.args = Array.from({ length: 70_000 }, () => "word")));
  expect(await course(["run", "w1"])).toMatchObject({ code: 1, alone: false });
  await place.configure("echo here");
  expect(await course(["run", "w1"])).toMatchObject({ stdout: "here\n", alone: false });
});

/** What a front sends, without one. */
function callOf(words: readonly string[]): Uint8Array {
  const limits = Array.from({ length: protocol.FRONT_LIMITS }, () => protocol.uint64((1n << 64n) - 1n));
  const counts = Buffer.alloc(8);
  counts.writeUInt32LE(words.length, 4);
  const strings = [place.bundle(place.berth), ...words].map((text) => Buffer.from(`${text}\0`));
  return protocol.frame(protocol.FRONT_CALL, ...limits, protocol.uint64(0n), counts, ...strings);
}

test.if(here)("of a caller that is gone before anything was made nothing is left", async () => {
  await place.configure("exec sleep 1000");
  const unix = `${place.engine?.run}/${protocol.FRONT_SOCKET}`;
  for (let round = 0; round < 5; round++) {
    const socket = await Bun.connect({ unix, socket: { data() {} } });
    const words = ["berth-oci", "--root", place.state(place.berth), "create", "x1"];
    socket.write(Buffer.concat([protocol.frame(protocol.FRONT_HELLO), callOf(words)]));
    socket.end();
  }
  await greetingOfOurs(); // it has heard of those before
  await until(() => !existsSync(`${place.state(place.berth)}/x1`));
  expect(await course(["run", "--detach", "x1"])).toMatchObject({ stderr: "", code: 0, alone: false });
  await course(["delete", "--force", "x1"]);
});

test.if(here).each([
  ["at once", 0],
  ["behind its greeting", 1],
])("an engine that hangs up %s ends nobody", async (_, greetings) => {
  const run = `${place.path}/hangs-up-${greetings}`;
  await mkdir(run);
  const greeting = await greetingOfOurs();
  using _stranger = Bun.listen({
    unix: `${run}/${protocol.FRONT_SOCKET}`,
    socket: {
      open: (socket) => void (greetings === 0 ? socket.terminate() : undefined),
      data(socket) {
        socket.write(greeting);
        socket.terminate();
      },
    },
  });
  await place.configure("echo here");
  const { code, stdout } = await course(["run", "y1"], { env: { BERTH_RUN: run } });
  // Behind the greeting it may have heard the call, or not: then that is said.
  if (greetings === 0 || code === 0) expect({ code, stdout }).toEqual({ code: 0, stdout: "here\n" });
  else expect(code).toBe(1);
});

test.if(here)("an engine that stands still, with as many waiting as there may be, keeps nobody", async () => {
  await place.configure("echo here");
  const unix = `${place.engine?.run}/${protocol.FRONT_SOCKET}`;
  process.kill(place.engine?.pid ?? 0, "SIGSTOP");
  const script = `for (let n = 0; n < 600; n++) await Promise.race([Bun.connect({ unix: ${JSON.stringify(unix)}, socket: { data() {} } }).catch(() => 0), Bun.sleep(5)]); process.exit(0)`;
  const crowd = Bun.spawn([process.execPath, "-e", script], { stdio: ["ignore", "ignore", "ignore"] });
  try {
    await crowd.exited;
    expect(await course(["run", "z1"])).toMatchObject({ stdout: "here\n", code: 0, alone: true });
  } finally {
    process.kill(place.engine?.pid ?? 0, "SIGCONT");
  }
});
