/** kill -9 of the engine: containers go on, their output and exit codes are kept, and the next engine takes them over. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { until } from "../shim/support/within.ts";
import { command, isAlive } from "../support/command.ts";
import { BERTH, startEngine, type TestEngine } from "../support/engine.ts";
import { has } from "../support/parts.ts";

describe.if(has("root", "busybox"))("after kill -9 of the engine", () => {
  let engine: TestEngine;
  beforeAll(async () => {
    engine = await startEngine({ image: "busybox" });
  }, 30_000);
  afterAll(() => engine[Symbol.asyncDispose](), 30_000);

  async function told(...words: string[]): Promise<string> {
    const { stdout, stderr, code } = await engine.berth(words);
    return code === 0 ? stdout : `${code}: ${stderr}`;
  }

  async function reborn(meanwhile: () => Promise<unknown> = () => Promise.resolve()): Promise<void> {
    await engine.kill();
    await meanwhile();
    await engine.start();
  }

  /** Until the process of the container has ended, without an engine to ask. */
  async function ended(pid: string): Promise<void> {
    await until(`${pid} to end`, async () => !(await isAlive(Number(pid))));
  }

  /** Whether anybody is connected to the engine. */
  function isVisited(): boolean {
    const sockets = readFileSync("/proc/net/unix", "utf8").split("\n");
    return sockets.some((line) => / 03 +\d+ /.test(line) && line.endsWith(` ${engine.socket}`));
  }

  test("a running container keeps its process, its start time and its name", async () => {
    await told("run", "-d", "--name", "c", "busybox", "sleep", "1000");
    const before = await told(
      "inspect",
      "-f",
      "{{.State.Pid}} {{.State.StartedAt}} {{.Name}} {{.NetworkSettings.IPAddress}}",
      "c",
    );
    await reborn();
    expect(
      await told(
        "inspect",
        "-f",
        "{{.State.Pid}} {{.State.StartedAt}} {{.Name}} {{.NetworkSettings.IPAddress}}",
        "c",
      ),
    ).toBe(before);
    expect(await told("exec", "c", "echo", "still here")).toBe("still here\n");
    expect(await told("stop", "-t", "0", "c")).toBe("c\n");
    expect(await told("inspect", "-f", "{{.State.ExitCode}}", "c")).toBe("137\n");
    await told("rm", "c");
  }, 30_000);

  test("no line of output is lost", async () => {
    await told(
      "run",
      "-d",
      "--name",
      "c",
      "busybox",
      "sh",
      "-c",
      "i=0; while [ $i -lt 300 ]; do echo $i; i=$((i+1)); sleep 0.005; done",
    );
    await reborn(() => Bun.sleep(300));
    await told("wait", "c");
    const lines = (await told("logs", "c")).trim().split("\n");
    expect(lines).toEqual(Array.from({ length: 300 }, (_, at) => String(at)));
    await told("rm", "c");
  }, 30_000);

  test("a container that ended meanwhile has its exit code and its time", async () => {
    await told("run", "-d", "--name", "c", "busybox", "sh", "-c", "sleep 0.5; echo last words; exit 7");
    const pid = await told("inspect", "-f", "{{.State.Pid}}", "c");
    await reborn(() => ended(pid));
    expect(await told("wait", "c")).toBe("7\n"); // its shim may still have to tell
    expect(await told("inspect", "-f", "{{.State.Status}} {{.State.ExitCode}}", "c")).toBe("exited 7\n");
    expect(await told("logs", "c")).toBe("last words\n");
    const finished = Date.parse((await told("inspect", "-f", "{{.State.FinishedAt}}", "c")).trim());
    expect(Math.abs(Date.now() - finished)).toBeLessThan(10_000);
    await told("rm", "c");
  }, 30_000);

  test("a --rm container that ended meanwhile is removed", async () => {
    await told("run", "-d", "--rm", "--name", "c", "busybox", "sleep", "0.5");
    const pid = await told("inspect", "-f", "{{.State.Pid}}", "c");
    await reborn(() => ended(pid));
    await until("its removal", async () => (await told("ps", "-aq")) === "");
  }, 30_000);

  test("attach works again, both ways", async () => {
    await told("run", "-d", "-i", "--name", "c", "busybox", "sh", "-c", "read x; echo got $x; exit 3");
    await reborn();
    const { stdout, code } = await engine.berth(["attach", "c"], { stdin: "word\n" });
    expect({ stdout, code }).toEqual({ stdout: "got word\n", code: 3 });
    await told("rm", "c");
  }, 30_000);

  test("a paused container stays paused", async () => {
    await told("run", "-d", "--name", "c", "busybox", "sleep", "1000");
    await told("pause", "c");
    await reborn();
    expect(await told("inspect", "-f", "{{.State.Status}}", "c")).toBe("paused\n");
    expect(await told("unpause", "c")).toBe("c\n");
    expect(await told("exec", "c", "echo", "moves")).toBe("moves\n");
    await told("rm", "-f", "c");
  }, 30_000);

  test("a new container gets an address that no running one has", async () => {
    await told("run", "-d", "--name", "a", "busybox", "sleep", "1000");
    await reborn();
    await told("run", "-d", "--name", "b", "busybox", "sleep", "1000");
    const address = (name: string) => told("inspect", "-f", "{{.NetworkSettings.IPAddress}}", name);
    expect(await address("a")).not.toBe(await address("b"));
    expect(await told("exec", "b", "ping", "-c1", "-W2", (await address("a")).trim())).toContain(
      "1 packets received",
    );
    await told("rm", "-f", "a", "b");
  }, 30_000);

  test("a shim that died as well is noticed: the container has ended, and can be started again", async () => {
    const id = (await told("run", "-d", "--name", "c", "busybox", "sleep", "1000")).trim();
    await engine.recorded(id);
    const pid = (await told("inspect", "-f", "{{.State.Pid}}", "c")).trim();
    const shim = (await command(["ps", "-o", "ppid=", "-p", pid])).stdout.trim();
    await reborn(() => command(["kill", "-9", shim]));
    expect(await told("wait", "c")).toBe("137\n");
    expect(await told("inspect", "-f", "{{.State.Status}} {{.State.ExitCode}}", "c")).toBe("exited 137\n");
    expect(await isAlive(Number(pid))).toBe(false);
    expect(await told("start", "c")).toBe("c\n");
    await told("rm", "-f", "c");
  }, 30_000);

  test("clients that were waiting are told, not left hanging", async () => {
    await told("run", "-d", "--name", "c", "busybox", "sleep", "1000");
    await until("the clients of before to go", () => !isVisited());
    const waiting = command([BERTH, "wait", "c"], { env: engine.client, timeoutMs: 10_000 });
    await until("the client to come", isVisited);
    await reborn();
    const { code, stderr } = await waiting;
    expect(code).not.toBe(0);
    expect(stderr).not.toContain("time limit");
    await told("rm", "-f", "c");
  }, 30_000);
});
