/** $NOTIFY_SOCKET: a service manager hears when the program in the container is ready, and from whom it may hear it. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { closeSync } from "node:fs";
import { chmod, exists, readdir, rm } from "node:fs/promises";
import { bindDatagrams } from "../../src/kernel/sockets.ts";
import { compileProgram } from "../../tools/native.ts";
import { output, PATH } from "../support/command.ts";
import { has } from "../support/parts.ts";
import { type Config, PERFORMERS, Place } from "./bundle.ts";
import { ServiceManager } from "./service-manager.ts";

const here = has("root", "busybox", "runc");
const RUNTIMES = ["berth-oci", "runc"] as const;
/** Of the users that a user namespace has. */
const FIRST = 100_000;
/** In the container. */
const READY = "/notifier $NOTIFY_SOCKET READY=1";
/** Until the test lets it go on. */
const WAIT = "until [ -e /go ]; do sleep 0.02; done";

describe.each(PERFORMERS)("asked of $by", ({ engine }) => {
  let place: Place;

  beforeAll(async () => {
    if (!here) return;
    place = await Place.make({ engine });
    await chmod(place.path, 0o711); // the users of user namespaces go through it
    await compileProgram(`${place.path}/rootfs/notifier`, ["test/oci/notifier.c"]);
  });
  afterAll(async () => {
    if (here) await place[Symbol.asyncDispose]();
  });

  /** Beside other calls. */
  function begin(runtime: string, words: readonly string[], { socket }: ServiceManager) {
    return Bun.spawn([runtime, "--root", place.state(runtime), ...words], {
      cwd: place.bundle(runtime),
      stdio: ["ignore", "pipe", "inherit"],
      env: { ...place.env, NOTIFY_SOCKET: socket },
      timeout: 20_000,
    });
  }

  const program = (name: string) => (name === "runc" ? "runc" : place.berth);
  const manager = () => new ServiceManager(`${place.path}/manager`);
  const letGo = () => Bun.write(`${place.path}/rootfs/go`, "");
  const status = async (runtime: string, id: string) =>
    (JSON.parse((await place.call(runtime, ["state", id])).stdout) as { status: string; pid: number }) ?? {};

  async function configure(script: string, change: (config: Config) => void = () => undefined) {
    await rm(`${place.path}/rootfs/go`, { force: true });
    await place.configure(script, (config) => {
      config.root.readonly = false;
      change(config);
    });
  }

  test.if(here).each(RUNTIMES)("%s run --detach ends when the program is ready", async (name) => {
    const runtime = program(name);
    await configure(`${WAIT}; ${READY}; exec sleep 1000`);
    await using listening = manager();
    const run = begin(runtime, ["run", "--detach", "d1"], listening);
    while ((await status(runtime, "d1").catch(() => undefined))?.status !== "running") await Bun.sleep(5);
    expect({ ended: run.exitCode, heard: listening.hear() }).toEqual({ ended: null, heard: [] });
    await letGo();
    expect(await listening.during(run.exited)).toBe(0);
    const { pid } = await status(runtime, "d1");
    expect(listening.hear().toSorted()).toEqual([`MAINPID=${pid}`, "READY=1"]);
    await place.call(runtime, ["delete", "--force", "d1"]);
  });

  test.if(here).each(RUNTIMES)("%s start ends when the program is ready, create at once", async (name) => {
    const runtime = program(name);
    await configure(`${READY}; exec sleep 1000`);
    await using listening = manager();
    const env = { NOTIFY_SOCKET: listening.socket };
    expect(await place.call(runtime, ["create", "s1"], { env })).toMatchObject({ code: 0, stderr: "" });
    expect(listening.hear()).toEqual([]);
    expect(await listening.during(place.call(runtime, ["start", "s1"], { env }))).toMatchObject({ code: 0 });
    const { pid } = await status(runtime, "s1");
    expect(listening.hear().toSorted()).toEqual([`MAINPID=${pid}`, "READY=1"]);
    await place.call(runtime, ["delete", "--force", "s1"]);
  });

  // runc 1.1.5 does not.
  test.if(here)("start stays until the service manager has read who says it", async () => {
    const said = `${place.path}/rootfs/said`;
    await rm(said, { force: true });
    await configure(`${READY}; touch /said; exec sleep 1000`);
    await using listening = manager();
    await place.call(place.berth, ["create", "r1"], { env: { NOTIFY_SOCKET: listening.socket } });
    const start = begin(place.berth, ["start", "r1"], listening);
    while (!(await exists(said))) await Bun.sleep(5);
    await Bun.sleep(300);
    expect(start.exitCode).toBeNull();
    expect(await listening.during(start.exited)).toBe(0);
    await place.call(place.berth, ["delete", "--force", "r1"]);
  });

  // runc looks for a number that a zombie of its own still has.
  test.if(here)("a program that ends without a word keeps nobody waiting", async () => {
    await configure("exit 3");
    await using listening = manager();
    const run = place.call(place.berth, ["run", "--detach", "e1"], {
      env: { NOTIFY_SOCKET: listening.socket },
    });
    expect(await listening.during(run)).toEqual({ code: 0, stdout: "", stderr: "" });
    expect(listening.hear()).toEqual([]);
    await place.call(place.berth, ["delete", "--force", "e1"]);
  });

  test.if(here)("what a program said that has ended, and is buried when we look, counts", async () => {
    const buried = `pid=$(sed 's/.*"pid": *\\([0-9]*\\).*/\\1/'); while [ -e /proc/$pid ]; do sleep 0.02; done`;
    await configure(READY, (config) => {
      const env = [`PATH=${PATH}`];
      config.hooks = { poststart: [{ path: "/bin/sh", args: ["sh", "-c", buried], env, timeout: 15 }] };
    });
    await using listening = manager();
    const env = { NOTIFY_SOCKET: listening.socket };
    expect(await place.call(place.berth, ["create", "b1"], { env })).toMatchObject({ code: 0, stderr: "" });
    const start = place.call(place.berth, ["start", "b1"], { env });
    expect(await listening.during(start)).toEqual({ code: 0, stdout: "", stderr: "" });
    expect(listening.hear()).toContain("READY=1");
    await place.call(place.berth, ["delete", "--force", "b1"]);
  });

  test.if(here).each(RUNTIMES)(
    "%s start waits no longer than it may, and the program goes on",
    async (name) => {
      const runtime = program(name);
      await configure("exec sleep 1000");
      await using listening = manager();
      await place.call(runtime, ["create", "w1"], { env: { NOTIFY_SOCKET: listening.socket } });
      const start = begin(runtime, ["start", "w1"], listening);
      while ((await status(runtime, "w1")).status !== "running") await Bun.sleep(5);
      start.kill("SIGINT");
      expect({ code: await start.exited, signal: start.signalCode }).toEqual({ code: 130, signal: "SIGINT" });
      expect((await status(runtime, "w1")).status).toBe("running");
      await place.call(runtime, ["delete", "--force", "w1"]);
    },
  );

  test.if(here)("a start that was killed before it started anything is repeated", async () => {
    await configure(`${READY}; exec sleep 1000`);
    await using listening = manager();
    const env = { NOTIFY_SOCKET: listening.socket };
    await place.call(place.berth, ["create", "k1"], { env });
    closeSync(bindDatagrams(`${place.state(place.berth)}/k1/notify/notify.sock`));
    const start = place.call(place.berth, ["start", "k1"], { env });
    expect(await listening.during(start)).toEqual({ code: 0, stdout: "", stderr: "" });
    await place.call(place.berth, ["delete", "--force", "k1"]);
  });

  test.if(here)(
    "in the foreground the attendant is the main process, and the exit code the program's",
    async () => {
      await configure(`${READY} && echo told; ${WAIT}; exit 7`);
      await using listening = manager();
      const child = Bun.spawn([place.berth, "--root", `${place.path}/state-f`, "run", "f1"], {
        cwd: place.bundle(place.berth),
        stdio: ["ignore", "pipe", "pipe"],
        env: { ...place.env, NOTIFY_SOCKET: listening.socket },
      });
      while (listening.hear().length < 2) await Bun.sleep(5);
      expect(listening.hear().toSorted()).toEqual([`MAINPID=${child.pid}`, "READY=1"]);
      await letGo();
      expect(await child.exited).toBe(7);
      expect([await child.stdout.text(), await child.stderr.text()]).toEqual(["told\n", ""]);
      expect(await readdir(`${place.path}/state-f`)).toEqual([]);
    },
  );

  test.if(here)("a program of any user, in a user namespace too, can say it among other things", async () => {
    const owned = `${place.path}/rootfs-of-users`;
    await output(["cp", "-a", `${place.path}/rootfs`, owned]);
    await chmod(owned, 0o755);
    await output(["chown", "-Rh", `${FIRST}:${FIRST}`, owned]);
    const message = `"$(printf 'STATUS=up\\nREADY=1\\n')"`;
    await configure(`id -u; ls -ld /run/notify; /notifier $NOTIFY_SOCKET ${message}`, (config) => {
      config.process["user"] = { uid: 1000, gid: 1000 };
      config.linux.namespaces.push({ type: "user" });
      const mapping = [{ containerID: 0, hostID: FIRST, size: 65_536 }];
      Object.assign(config.linux, { uidMappings: mapping, gidMappings: mapping });
      config.root.path = owned;
    });
    await using listening = manager();
    const run = place.call(place.berth, ["run", "u1"], { env: { NOTIFY_SOCKET: listening.socket } });
    const { stdout, stderr, code } = await listening.during(run);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toStartWith("1000\ndrwxr-xr-x");
    expect(listening.hear()).toContain("READY=1");
  });

  test.if(here)("what is not for a container to say is not passed on", async () => {
    const hostile = "MAINPID=1 FDSTORE=1 WATCHDOG=trigger STOPPING=1 ERRNO=2 XREADY=1 READY=0 READY=11";
    await configure(`/notifier $NOTIFY_SOCKET ${hostile}; touch /run/notify/x; ${READY}`);
    await using listening = manager();
    const run = place.call(place.berth, ["run", "h1"], { env: { NOTIFY_SOCKET: listening.socket } });
    expect((await listening.during(run)).stderr).toContain("Read-only file system");
    expect(listening.hear().toSorted()).toEqual([expect.stringMatching(/^MAINPID=\d{2,}$/), "READY=1"]);
  });

  test.if(here)("in the foreground somebody hears to the end, and barriers open", async () => {
    await configure(
      `${READY} BARRIER=1; sleep 0.1; /notifier $NOTIFY_SOCKET STATUS=up BARRIER=1 READY=1 && exit 6`,
    );
    await using listening = manager();
    const run = place.call(place.berth, ["run", "o1"], { env: { NOTIFY_SOCKET: listening.socket } });
    expect(await listening.during(run)).toEqual({ code: 6, stdout: "", stderr: "" });
    expect(listening.hear().filter((line) => line === "READY=1")).toHaveLength(1);
  });

  test.if(here)("a service manager that is gone is named, and the program goes on", async () => {
    await configure(`${READY}; ${WAIT}; exit 4`);
    await letGo();
    const gone = `${place.path}/gone`;
    const { code, stderr } = await place.call(place.berth, ["run", "g1"], { env: { NOTIFY_SOCKET: gone } });
    expect(code).toBe(4);
    expect(stderr).toBe(
      `berth: the service manager's socket ${gone} cannot be told that the container is ready: No such file or directory\n`,
    );
  });

  test.if(here)("start with it, where create had none, says so and starts nothing", async () => {
    await configure("exec sleep 1000");
    expect(await place.call(place.berth, ["create", "c1"])).toMatchObject({ code: 0 });
    await using listening = manager();
    const { code, stderr } = await place.call(place.berth, ["start", "c1"], {
      env: { NOTIFY_SOCKET: listening.socket },
    });
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: expect.stringContaining("NOTIFY_SOCKET is set, but the container was created without it"),
    });
    expect((await status(place.berth, "c1")).status).toBe("created");
    expect(await place.call(place.berth, ["start", "c1"])).toMatchObject({ code: 0, stderr: "" });
    await place.call(place.berth, ["delete", "--force", "c1"]);
  });
});
