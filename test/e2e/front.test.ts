/** Commands of the command line that the engine performs: which those are, signals, output, and what is left when either side is lost. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { mkdir, readdir, readFile } from "node:fs/promises";
import { PATH } from "../support/command.ts";
import { BERTH, startEngine, type TestEngine } from "../support/engine.ts";
import { has } from "../support/parts.ts";

setDefaultTimeout(30_000); // the machine may be busy with other suites

const here = has("root", "busybox", "strace") && process.arch === "x64";
let engine: TestEngine;

beforeAll(async () => {
  if (here) engine = await startEngine({ image: "busybox" });
}, 30_000);
afterAll(async () => {
  if (!here) return;
  await engine.berth(["rm", "--force", ...(await containers())]);
  await engine[Symbol.asyncDispose]();
}, 30_000);

async function containers(): Promise<string[]> {
  return (await engine.berth(["ps", "-aq"])).stdout.split("\n").filter(Boolean);
}

interface Circumstances {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Of sh, in which "$@" is the command. */
  readonly script?: string;
}

function start(words: readonly string[], { cwd = "/", env = {}, script = 'exec "$@"' }: Circumstances = {}) {
  return Bun.spawn(["sh", "-c", script, "sh", BERTH, ...words], {
    cwd,
    env: { PATH, HOME: "/nonexistent", BERTH_HOST: engine.host, BERTH_RUN: engine.run, ...env },
    stdio: ["ignore", "pipe", "pipe"],
    timeout: 20_000,
    killSignal: "SIGKILL",
  });
}

interface Course {
  readonly stdout: string;
  readonly stderr: string;
  readonly code: number;
}

async function end(words: readonly string[], circumstances: Circumstances = {}): Promise<Course> {
  const child = start(words, circumstances);
  const [stdout, stderr, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  return { stdout, stderr, code };
}

/** Whether Bun was started in the end: the executable becomes the front, and the front the executable again. */
async function traced(words: readonly string[], circumstances: Circumstances = {}) {
  const trace = `${engine.place}/trace`;
  const script = `exec strace -qq -e trace=execveat -o ${trace} "$@"`;
  const course = await end(words, { script, ...circumstances });
  const changes = (await readFile(trace, "utf8")).match(/execveat\(/g)?.length ?? 0;
  return { ...course, alone: changes !== 1 };
}

test.if(here)("what prints and ends is performed by the engine", async () => {
  for (const [words, code] of [
    [["run", "--rm", "busybox", "echo", "hi"], 0],
    [["run", "--detach", "--name", "c", "busybox", "sleep", "1000"], 0],
    [["exec", "c", "sh", "-c", "exit 7"], 7],
    [["ps"], 0],
    [["inspect", "c"], 0],
    [["logs", "c"], 0],
    [["pause", "c"], 0],
    [["unpause", "c"], 0],
    [["stop", "-t", "0", "c"], 0],
    [["wait", "c"], 0],
    [["rm", "c"], 0],
    [["images"], 0],
    [["version"], 0],
    [["rm", "nope"], 1],
    [["run", "busybox", "nope"], 127],
    [["run", "--frob"], 125],
  ] as const)
    expect({ words, ...(await traced(words)) }).toMatchObject({ words, code, alone: false });
});

test.if(here).each([
  ["with input", ["run", "--rm", "--interactive", "busybox", "cat"]],
  ["of files", ["run", "--rm", "--env-file", "empty", "busybox", "true"]],
  ["that is not brief", ["system", "fsck"]],
  ["with another place", ["run", "--rm", "--cidfile", "id", "busybox", "true"]],
])("a command %s is performed by its own process", async (_, words) => {
  const cwd = `${engine.place}/files`;
  await mkdir(cwd, { recursive: true });
  await Bun.write(`${cwd}/empty`, "");
  expect(await traced(words, { cwd })).toMatchObject({ code: 0, alone: true });
});

test.if(here)("what both say is the same", async () => {
  for (const words of [
    ["run", "--rm", "busybox", "sh", "-c", "echo out; echo err >&2; exit 3"],
    ["run", "--rm", "busybox", "nope"],
    ["run", "--rm", "nope:1"],
    ["exec", "nope", "true"],
    ["ps", "--format", "{{.Frob}}"],
    ["ps", "--filter", "frob=1"],
    ["inspect", "nope"],
    ["rm"],
    ["frob"],
    ["run", "--help"],
    ["container"],
    ["info", "--format", "{{.ServerVersion}}"],
    ["images", "--format", "{{.Repository}} {{.ID}} {{json .Size}}"], // not its age, which grows
  ]) {
    const ours = await end(words, { env: { BERTH_ALONE: "1" } });
    expect({ words, ...(await end(words)) }).toEqual({ words, ...ours });
  }
});

test.if(here).each(["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])(
  "a caller that has closed its streams (%s) gets what it gets by itself",
  async (closed) => {
    for (const words of [["ps"], ["run", "--rm", "busybox", "echo", "hi"], ["rm", "nope"]]) {
      const script = `exec "$@" ${closed}`;
      const ours = await end(words, { script, env: { BERTH_ALONE: "1" } });
      expect({ words, ...(await end(words, { script })) }).toEqual({ words, ...ours });
    }
  },
);

test.if(here)("a relative bind begins where the caller is", async () => {
  const cwd = `${engine.place}/here`;
  await mkdir(`${cwd}/data`, { recursive: true });
  await Bun.write(`${cwd}/data/f`, "content\n");
  const words = ["run", "--rm", "--volume", "./data:/data", "busybox", "cat", "/data/f"];
  expect(await traced(words, { cwd })).toMatchObject({ stdout: "content\n", code: 0, alone: false });
});

test.if(here)("a signal goes to the container, and its exit code comes back", async () => {
  const script = "trap 'echo told; exit 9' TERM; echo ready; while :; do sleep 0.05; done";
  const child = start(["run", "--rm", "busybox", "sh", "-c", script]);
  const reader = child.stdout.getReader();
  const text = async () => new TextDecoder().decode((await reader.read()).value);
  expect(await text()).toBe("ready\n");
  child.kill("SIGTERM");
  expect(await text()).toBe("told\n");
  expect(await child.exited).toBe(9);
});

test.if(here)("with --sig-proxy=false a signal ends the command and not the container", async () => {
  const words = [
    "run",
    "--name",
    "kept",
    "--sig-proxy=false",
    "busybox",
    "sh",
    "-c",
    "echo ready; sleep 1000",
  ];
  const child = start(words);
  await child.stdout.getReader().read();
  child.kill("SIGTERM");
  await child.exited;
  expect(child.signalCode).toBe("SIGTERM");
  expect((await end(["inspect", "--format", "{{.State.Status}}", "kept"])).stdout).toBe("running\n");
  await end(["rm", "--force", "kept"]);
});

/** Descriptors that the engine holds. */
const held = async () => (await readdir(`/proc/${engine.pid}/fd`)).length;

async function untilHeld(count: number): Promise<void> {
  const deadline = Date.now() + 10_000;
  while ((await held()) > count) {
    if (Date.now() > deadline)
      throw new Error(`the engine holds ${await held()} descriptors, before ${count}`);
    await Bun.sleep(20);
  }
}

test.if(here)("whoever is killed while he waits leaves nothing open in the engine", async () => {
  await end(["run", "--detach", "--name", "long", "busybox", "sleep", "1000"]);
  const before = await held();
  for (const words of [
    ["wait", "long"],
    ["logs", "--follow", "long"],
    ["exec", "long", "sleep", "1000"],
    ["run", "--name", "other", "busybox", "sh", "-c", "echo ready; sleep 1000"],
  ]) {
    const child = start(words);
    await Bun.sleep(200); // by then it waits; where it is exactly does not matter
    child.kill("SIGKILL");
    await child.exited;
  }
  await end(["rm", "--force", "other", "long"]);
  await untilHeld(before);
});

test.if(here)("output that nobody reads ends the command, as a closed pipe does", async () => {
  const words = ["run", "--rm", "--name", "loud", "busybox", "sh", "-c", "while :; do echo line; done"];
  const script = '{ "$@"; echo $? >&2; } | head -n 1';
  expect(await end(words, { script })).toEqual({ stdout: "line\n", stderr: "141\n", code: 0 });
  await end(["rm", "--force", "loud"]); // it goes on, as under docker
});

test.if(here)("a full device is named, in the words of a command that is performed by itself", async () => {
  const script = '"$@" >/dev/full';
  for (const words of [["ps"], ["rm", "nope"], ["run", "--rm", "busybox", "echo", "hi"]]) {
    const alone = await end(words, { script, env: { BERTH_ALONE: "1" } });
    expect({ words, ...(await end(words, { script })) }).toEqual({ words, ...alone });
  }
  expect((await end(["ps"], { script })).stderr).toBe("write /dev/stdout: no space left on device\n");
});

test.if(here)(
  "where standard error is full, standard output is whole, and the failure is a failure",
  async () => {
    const script = '"$@" 2>/dev/full';
    const words = ["run", "--rm", "busybox", "sh", "-c", "echo err >&2; sleep 0.1; echo out"];
    expect(await end(words, { script })).toMatchObject({ stdout: "out\n", code: 1 });
    expect((await end(["rm", "nope"], { script })).code).toBe(1);
    expect(await readFile(engine.log, "utf8")).not.toContain("a command failed");
  },
);

const MEGABYTES = 40;

test.if(here)(
  "much output for a slow reader is whole, and not kept in the engine's memory",
  async () => {
    const memory = async () =>
      Number(/VmRSS:\s+(\d+)/.exec(await readFile(`/proc/${engine.pid}/status`, "utf8"))?.[1]);
    await end(["run", "--rm", "busybox", "true"]);
    const before = await memory();
    const words = ["run", "--rm", "busybox", "head", "-c", `${MEGABYTES << 20}`, "/dev/zero"];
    const child = start(words, { script: '"$@" | { sleep 1; wc -c; }' });
    await Bun.sleep(900);
    expect((await memory()) - before).toBeLessThan((MEGABYTES << 10) / 2);
    expect((await child.stdout.text()).trim()).toBe(String(MEGABYTES << 20));
  },
  30_000,
);

test.if(here)("many at once do not get into each other's way", async () => {
  const courses = await Promise.all(
    Array.from({ length: 20 }, (_, index) =>
      end(["run", "--rm", "--network", "none", "busybox", "sh", "-c", `echo ${index}; exit ${index}`]),
    ),
  );
  expect(courses).toEqual(
    Array.from({ length: 20 }, (_, index) => ({ stdout: `${index}\n`, stderr: "", code: index })),
  );
});

test.if(here)("an engine that is killed in the middle is told of, and the container goes on", async () => {
  const child = start(["run", "--name", "goes-on", "busybox", "sh", "-c", "echo ready; sleep 1000"]);
  await child.stdout.getReader().read();
  await engine.kill();
  expect(await child.exited).toBe(1);
  expect(await child.stderr.text()).toContain("the engine that performed this command has ended");
  await engine.start();
  expect((await end(["inspect", "--format", "{{.State.Status}}", "goes-on"])).stdout).toBe("running\n");
  await end(["rm", "--force", "goes-on"]);
});
