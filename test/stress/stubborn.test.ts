/** Containers that do not behave: they are ended all the same, what they did is told, and nothing of them stays. */
import { describe, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import { isAlive, output } from "../support/command.ts";
import { startEngine, temporaryPlace } from "../support/engine.ts";
import { has } from "../support/parts.ts";
import { until } from "../shim/support/within.ts";
import { Subject } from "./subject.ts";

describe.if(has("root", "busybox"))("a container that", () => {
  const subject = new Subject();

  test("leaves daemons behind ends with its first process, and they with it", async () => {
    const daemons = "(setsid sleep 1001 & ) ; (setsid sleep 1002 >/dev/null 2>&1 & ) ; (sleep 1003 &)";
    await subject.told("run", "-d", "--name", "c", "busybox", "sh", "-c", `${daemons}; sleep 1000`);
    const pids = await subject.processes("c", 4);
    expect(await subject.told("kill", "c")).toBe("c\n");
    expect(await subject.told("wait", "c")).toBe("137\n");
    for (const pid of pids) expect(await isAlive(pid)).toBe(false);
  });

  test("is joined by commands that fork away is rid of them when they have ended", async () => {
    await subject.told("run", "-d", "--init", "--name", "c", "busybox", "sleep", "1000");
    const script = "(setsid sh -c 'exit 3' >/dev/null 2>&1 &); exit 4";
    for (let round = 0; round < 20; round++)
      expect(await subject.told("exec", "c", "sh", "-c", script)).toBe("4: ");
    await subject.processes("c", 2); // itself and its init, which has buried them
  });

  test("closes its streams goes on; who is attached hears the end of it", async () => {
    const script = "echo said; exec >&- 2>&-; until [ -e /go ]; do usleep 1000; done; exit 6";
    await subject.told("run", "-d", "--name", "c", "busybox", "sh", "-c", script);
    const follower = subject.spawn(["logs", "-f", "c"]);
    expect(await subject.inspected("c", ".State.Running")).toBe("true");
    await subject.told("exec", "c", "touch", "/go");
    expect(await subject.told("wait", "c")).toBe("6\n");
    expect(await follower.stdout.text()).toBe("said\n");
  });

  test("ignores SIGTERM is killed after the time that was granted", async () => {
    const script = "trap 'echo no' TERM; echo ready; while :; do usleep 1000; done";
    await subject.told("run", "-d", "--name", "c", "busybox", "sh", "-c", script);
    const follower = subject.spawn(["logs", "-f", "c"]);
    await until("its trap", async () => (await subject.told("logs", "c")) === "ready\n");
    expect(await subject.told("stop", "-t", "1", "c")).toBe("c\n");
    expect(await subject.inspected("c", ".State.ExitCode")).toBe("137");
    expect(await follower.stdout.text()).toMatch(/^ready\n(no\n)?$/);
  });

  test("fills its limit of processes is stopped, and who joins it hears which limit", async () => {
    const script = "for i in 1 2 3 4; do sleep 1000 & done; wait";
    await subject.told("run", "-d", "--name", "c", "--pids-limit", "5", "busybox", "sh", "-c", script);
    await subject.processes("c", 5);
    const exec = await subject.engine.berth(["exec", "c", "true"]);
    expect(exec.stdout + exec.stderr).toContain("the limit of processes is reached (pids, --pids-limit)");
    expect(exec.code).toBe(126);
    expect(await subject.told("stop", "-t", "0", "c")).toBe("c\n");
  });

  test("is a fork bomb is joined, stopped and removed", async () => {
    const script = "f() { f & f & }; f; sleep 1000";
    await subject.told("run", "-d", "--name", "c", "--pids-limit", "100", "busybox", "sh", "-c", script);
    const exec = await subject.engine.berth(["exec", "c", "echo", "joined"]);
    expect(exec.stdout + exec.stderr).toMatch(/^joined\n$|--pids-limit/);
    expect(await subject.told("rm", "-f", "c")).toBe("c\n");
  });

  test("fills its memory is killed for it: so says its state, and an event", async () => {
    const run = await subject.told("run", "--name", "c", "-m", "16m", "busybox", "tail", "/dev/zero");
    expect(run).toStartWith("137: ");
    expect(await subject.inspected("c", ".State.OOMKilled")).toBe("true");
    const filters = '{"container":["c"],"event":["oom"]}';
    const now = Date.now() / 1000;
    const { body } = await subject.engine.api("GET", `/events?since=1&until=${now}&filters=${filters}`);
    expect(body).toMatchObject({ Action: "oom" });
  });
});

describe.if(has("root", "busybox"))("with a data root that is full", () => {
  let place = "";
  const subject = new Subject(
    async () => {
      place = await temporaryPlace();
      await mkdir(`${place}/root`);
      await output(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", `${place}/root`]);
      return await startEngine({ place, image: "busybox" });
    },
    async () => {
      await output(["umount", `${place}/root`]);
      await rm(place, { recursive: true });
    },
  );

  test("a container goes on; what its log lacks is told there, in its state and in the event", async () => {
    const script = `yes "$(head -c 9999 /dev/zero | tr '\\0' x)" | head -c 40000000; exit 5`;
    const limits = ["--log-opt", "max-size=100m"];
    await subject.told("run", "-d", "--name", "c", ...limits, "busybox", "sh", "-c", script); // a client that lags behind has no room either
    expect(await subject.told("wait", "c")).toBe("5\n");
    expect(await subject.inspected("c", ".State.Error")).toMatch(
      /^\d+ entries of the log are missing: the disk did not take them$/,
    );
    expect((await subject.told("logs", "c")).length).toBeLessThan(24 << 20);
    expect(await subject.told("rm", "c")).toBe("c\n");
    await until("its bytes to go", () => readdirSync(`${place}/root/tmp`).length === 0);
    expect(await subject.told("run", "--rm", "busybox", "echo", "well")).toBe("well\n");
  });
});
