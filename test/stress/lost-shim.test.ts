/** A shim that is killed by itself: what it looked after is ended and reported as lost, and nothing stays behind. */
import { describe, expect, test } from "bun:test";
import { isAlive } from "../support/command.ts";
import { has } from "../support/parts.ts";
import { until } from "../shim/support/within.ts";
import { parentOf, signal, Subject } from "./subject.ts";

const LOST = /^lost: its shim \(process \d+\) was killed, and what it looked after was ended with it$/;

interface Event {
  readonly Action: string;
  readonly Actor: { readonly Attributes: Readonly<Record<string, string>> };
}

describe.if(has("root", "busybox"))("a shim that is killed by itself", () => {
  const subject = new Subject();

  /** The attributes of the last event of that name. */
  async function lastEvent(container: string, action: string): Promise<Readonly<Record<string, string>>> {
    const filters = `{"container":["${container}"],"event":["${action}"]}`;
    const now = Date.now() / 1000;
    const events = (await subject.engine.api("GET", `/events?since=1&until=${now}&filters=${filters}`)).body;
    const lines = typeof events === "string" ? events.trim().split("\n") : [JSON.stringify(events)];
    return (JSON.parse(lines.at(-1) ?? "") as Event).Actor.Attributes;
  }

  test("takes its container along: code 137, and the reason in its state and in the event", async () => {
    await subject.told("run", "-d", "--name", "c", "busybox", "sh", "-c", "sleep 1000 & exec sleep 1001");
    const pids = await subject.processes("c", 2);
    const waiting = subject.told("wait", "c");
    await signal("KILL", await subject.shimOf("c"));
    expect(await waiting).toBe("137\n");
    expect(await subject.inspected("c", ".State.Status")).toBe("exited");
    expect(await subject.inspected("c", ".State.Error")).toMatch(LOST);
    expect(await lastEvent("c", "die")).toMatchObject({
      exitCode: "137",
      error: expect.stringMatching(LOST),
    });
    for (const pid of pids) expect(await isAlive(pid)).toBe(false);
    expect(await subject.told("start", "c")).toBe("c\n");
    expect(await subject.inspected("c", ".State.Error")).toBe("");
  });

  test("takes its exec along and leaves the container alone", async () => {
    await subject.told("run", "-d", "--name", "c", "busybox", "sleep", "1000");
    const exec = subject.spawn(["exec", "c", "sleep", "1001"]);
    const second = await subject.processOf("c", "sleep 1001");
    await signal("KILL", await parentOf(second));
    expect(await exec.exited).toBe(137);
    expect(await lastEvent("c", "exec_die")).toMatchObject({
      exitCode: "137",
      error: expect.stringMatching(LOST),
    });
    await until("the process to end", async () => !(await isAlive(second)));
    expect(await subject.told("exec", "c", "echo", "goes on")).toBe("goes on\n");
  });

  test("while no engine is there is found out by the next one", async () => {
    const id = (await subject.told("run", "-d", "--name", "c", "busybox", "sleep", "1000")).trim();
    const shim = await subject.shimOf("c");
    await subject.engine.recorded(id);
    await subject.engine.kill();
    await signal("KILL", shim);
    await subject.engine.start();
    expect(await subject.told("wait", "c")).toBe("137\n");
    expect(await subject.inspected("c", ".State.ExitCode")).toBe("137");
    expect(await subject.inspected("c", ".State.Error")).toMatch(LOST);
  });
});
