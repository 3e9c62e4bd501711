import { afterAll, describe, expect, test } from "bun:test";
import { existsSync, readFileSync, readlinkSync } from "node:fs";
import { openNamespacesRuntime } from "./namespaces.ts";
import { compilePlan } from "./plan.ts";
import type { Launch, ProcessHandle } from "./runtime.ts";
import type { Hook, HookKind, Hooks } from "./spec.ts";
import { missingForContainers, Testbed, type Wishes } from "./testbed.ts";

const missing = missingForContainers();
if (missing !== undefined) console.log(`skipped: hooks: ${missing}`);

/** On the host or in the container: both have a shell in /bin. */
const shell = (script: string, more: Partial<Hook> = {}): Hook => ({
  path: "/bin/sh",
  args: ["sh", "-c", script],
  env: ["PATH=/bin:/usr/bin"],
  ...more,
});

describe.skipIf(missing !== undefined)("hooks", () => {
  const bed = missing === undefined ? new Testbed() : (undefined as never);
  afterAll(() => bed?.[Symbol.asyncDispose]());

  /** What hooks of the host have written. */
  const noted = (name: string) => readFileSync(`${bed.directory}/${name}`, "utf8").trim().split("\n");
  const gone = ({ supervision }: Launch) => expect(existsSync(supervision.runDirectory)).toBe(false);

  async function life(args: readonly string[], wishes: Wishes) {
    const launch = bed.launch(args, wishes);
    const handle = await bed.runtime.create(launch);
    try {
      await handle.start();
      await handle.exited;
    } finally {
      await handle.release();
    }
    return { launch, handle, output: bed.logged(launch) };
  }

  test("run in the order of the specification, those inside in the container's namespaces", async () => {
    const note = (kind: string) =>
      shell(`echo ${kind} $(readlink /proc/self/ns/uts) >> ${bed.directory}/order`);
    const hooks: Hooks = {
      poststop: [note("poststop")],
      poststart: [note("poststart")],
      startContainer: [shell("echo startContainer $(readlink /proc/self/ns/uts) >> /order")],
      createContainer: [note("createContainer")],
      createRuntime: [note("createRuntime 1"), note("createRuntime 2")],
      prestart: [note("prestart")],
    };
    const { output } = await life(["sh", "-c", "cat /order; readlink /proc/self/ns/uts"], { hooks });
    const [inside = "", container] = output.trim().split("\n");
    const host = readlinkSync("/proc/self/ns/uts");
    expect(inside).toBe(`startContainer ${container}`);
    expect(noted("order")).toEqual([
      `prestart ${host}`,
      `createRuntime 1 ${host}`,
      `createRuntime 2 ${host}`,
      `createContainer ${container}`,
      `poststart ${host}`,
      `poststop ${host}`,
    ]);
  });

  test("read the state: the process id as it is seen where they run, the bundle, the annotations", async () => {
    const keep = (kind: string) => [shell(`cat > ${bed.directory}/state-${kind}`)];
    const hooks: Hooks = {
      prestart: keep("prestart"),
      createRuntime: keep("createRuntime"),
      createContainer: keep("createContainer"),
      startContainer: [shell("cat > /state")],
      poststart: keep("poststart"),
      poststop: keep("poststop"),
    };
    const annotations = { "org.example.key": 'with "quotes" and ü' };
    const { launch, handle, output } = await life(["sh", "-c", "cat /state; read line"], {
      hooks,
      annotations,
      supervision: { openStdin: false },
    });
    const common = { ociVersion: "1.2.0", id: launch.id, bundle: bed.directory, annotations };
    const state = (kind: string): unknown => JSON.parse(noted(`state-${kind}`).join("\n"));
    for (const kind of ["prestart", "createRuntime"])
      expect(state(kind)).toEqual({ ...common, status: "creating", pid: handle.pid });
    expect(state("createContainer")).toEqual({ ...common, status: "creating", pid: 1 });
    expect(JSON.parse(output)).toEqual({ ...common, status: "created", pid: 1 });
    expect(state("poststart")).toMatchObject({ ...common, pid: handle.pid });
    expect(state("poststop")).toEqual({ ...common, status: "stopped" });
  });

  test("before the pivot the root is mounted and may be changed, also where the container finds it read-only", async () => {
    const file = `${bed.directory}/run/root/etc/made`;
    const { output } = await life(
      ["sh", "-c", "cat /etc/made /etc/here; touch /etc/x 2>&1 || echo read-only"],
      {
        readonly: true,
        hooks: { createContainer: [shell(`echo from the host > ${file}; pwd > etc/here`)] },
      },
    );
    expect(output).toBe(
      `from the host\n${bed.directory}/run/root\ntouch: /etc/x: Read-only file system\nread-only\n`,
    );
  });

  test("have the environment and arguments that they name, and no descriptor of ours", async () => {
    const look =
      'echo "$0 $1 $A [$HOME$USER$DOCKER_HOST]"; umask; for fd in 3 4 5 6 7 8 9; do test -e /proc/$$/fd/$fd && echo $fd; done; true';
    const hook = (target: string): Hook =>
      shell("", {
        args: ["sh", "-c", `(${look}) > ${target}`, "zero", "one"],
        env: ["PATH=/bin:/usr/bin", "A=1=2"],
      });
    const { output } = await life(["cat", "/tmp/start"], {
      hooks: {
        createRuntime: [hook(`${bed.directory}/runtime`)],
        createContainer: [hook(`${bed.directory}/create`)],
        startContainer: [hook("/tmp/start")],
        poststop: [{ path: "/bin/true" }],
      },
    });
    const expected = ["zero one 1=2 []", "0022"];
    expect(noted("runtime")).toEqual(expected);
    expect(noted("create")).toEqual(expected);
    expect(output.trim().split("\n")).toEqual(expected);
  });

  test("inside, right before the program, are what it will be: user, capabilities, filter, working directory", async () => {
    const { output } = await life(["cat", "/dev/shm/who"], {
      process: { user: { uid: 1000, gid: 1000 }, cwd: "/etc" },
      hooks: {
        startContainer: [shell("(id -u; pwd; grep -E 'CapEff|Seccomp:' /proc/self/status) > /dev/shm/who")],
      },
    });
    expect(output.replaceAll("\t", " ")).toBe("1000\n/etc\nCapEff: 0000000000000000\nSeccomp: 2\n");
  });

  test.each<[HookKind, string]>([
    ["prestart", "create"],
    ["createRuntime", "create"],
    ["createContainer", "create"],
    ["startContainer", "start"],
    ["poststart", "start"],
  ])(
    "one of %s that fails fails %s with its output; the rest does not run, poststop does",
    async (kind, step) => {
      const fails = shell("echo reason; echo more >&2; exit 3");
      const name = `after-${kind}`;
      const launch = bed.launch(["sleep", "60"], {
        hooks: {
          [kind]: [fails, shell(`touch ${bed.directory}/${name}`)],
          poststop: [shell(`echo stopped > ${bed.directory}/${name}.stop`)],
        },
      });
      const words = `${kind} hook #0 "/bin/sh" exited with 3: reason\nmore`;
      if (step === "create") await expect(bed.runtime.create(launch)).rejects.toThrow(words);
      else {
        const handle = await bed.runtime.create(launch);
        await expect(handle.start()).rejects.toThrow(words);
        expect((await handle.exited).exitCode).not.toBe(0);
        await handle.release();
      }
      gone(launch);
      expect(existsSync(`${bed.directory}/${name}`)).toBe(false);
      expect(noted(`${name}.stop`)).toEqual(["stopped"]);
    },
  );

  test("are killed at their timeout, and whoever waits is told", async () => {
    const killed = async (kind: HookKind) => {
      const launch = bed.launch(["sleep", "60"], {
        hooks: { [kind]: [shell("exec sleep 60", { timeout: 1 })] },
      });
      const start = async (handle: ProcessHandle) => handle.start().finally(() => handle.release());
      await expect(bed.runtime.create(launch).then(start)).rejects.toThrow(
        `${kind} hook #0 "/bin/sh" ran past its timeout of 1 seconds`,
      );
      gone(launch);
    };
    await Promise.all(
      (["createRuntime", "createContainer", "startContainer", "poststart"] as const).map(killed),
    );
  });

  test.each<HookKind>(["createRuntime", "createContainer"])(
    "one of %s that is not there fails by its name",
    async (kind) => {
      const launch = bed.launch(["true"], { hooks: { [kind]: [{ path: "/no/such/hook" }] } });
      await expect(bed.runtime.create(launch)).rejects.toThrow(
        new RegExp(`^${kind} hook #0 "/no/such/hook".*no such file or directory$`),
      );
      gone(launch);
    },
  );

  test.each<HookKind>(["createRuntime", "createContainer", "startContainer"])(
    "one of %s may ignore its input, print without measure and leave somebody behind with its output open",
    async (kind) => {
      const { handle } = await life(["true"], {
        annotations: { long: "x".repeat(200_000) },
        hooks: { [kind]: [shell("yes | head -c 300000; sleep 60 & exit 0")] },
      });
      expect(await handle.exited).toMatchObject({ exitCode: 0 });
    },
  );

  test("of poststop that fail are warnings, and the next ones run", async () => {
    const { launch, handle } = await life(["true"], {
      hooks: { poststop: [shell("kill -9 $$"), shell("exit 5"), shell(`echo last > ${bed.directory}/last`)] },
    });
    expect(handle.warnings).toEqual([
      'poststop hook #0 "/bin/sh" was ended by SIGKILL',
      'poststop hook #1 "/bin/sh" exited with 5',
    ]);
    expect(noted("last")).toEqual(["last"]);
    gone(launch);
  });

  test("behind start and release run for a process that another engine has made", async () => {
    const hooks = {
      poststart: [shell(`cat > ${bed.directory}/adopted`)],
      poststop: [shell(`cat > ${bed.directory}/released`)],
    };
    const launch = bed.launch(["sleep", "60"], { hooks });
    const first = await bed.runtime.create(launch);
    await first.start();
    const next = openNamespacesRuntime({ instance: bed.instance, features: bed.features });
    const adopted = await next.adopt(
      launch.id,
      launch.supervision.runDirectory,
      launch.spec.linux.cgroupsPath,
      launch,
    );
    if (adopted === undefined || !("exited" in adopted)) throw new Error("not adopted");
    await adopted.release();
    expect(JSON.parse(noted("released").join(""))).toMatchObject({ id: launch.id, status: "stopped" });
    await first.exited;
    next.close();
  });

  test.each<[string, Hook, string]>([
    ["a relative path", { path: "bin/hook" }, 'the path "bin/hook" is not absolute'],
    ["no time at all", { path: "/bin/hook", timeout: 0 }, "a timeout of 0 seconds"],
    ["more time than there is", { path: "/bin/hook", timeout: 1e9 }, "a timeout of 1000000000 seconds"],
  ])("with %s are refused before anything is made", (_, hook, words) => {
    const launch = bed.launch(["true"], { hooks: { poststop: [hook] } });
    expect(() => compilePlan(launch, bed.features)).toThrow(`poststop hook #0: ${words}`);
  });
});
