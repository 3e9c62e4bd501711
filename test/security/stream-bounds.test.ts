/**
 * CVE-2025-64329 (containerd), CVE-2022-31030 (cri-o): each attach left something behind in the engine, and the output of an exec was
 * kept in its memory until somebody would read it.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { has } from "../support/parts.ts";
import { until } from "../shim/support/within.ts";
import { shimOf, Target } from "./hostile.ts";

const CLIENTS = 30;
const BYTES = 64 << 20;
const GROWTH_KB = 60_000;

describe.if(has("root", "busybox"))("clients that do not read", () => {
  let target: Target;
  beforeAll(async () => {
    target = await Target.start();
  }, 30_000);
  afterAll(() => target[Symbol.asyncDispose](), 30_000);

  /** A hijacked connection whose answer nobody reads behind its head. */
  async function lazy(path: string, body: string): Promise<Socket> {
    const socket = connect({ path: target.engine.socket });
    socket.on("error", () => undefined);
    const head = Promise.withResolvers<void>();
    socket.once("data", () => {
      socket.pause();
      head.resolve();
    });
    socket.once("close", () => head.resolve());
    socket.write(
      `POST ${path} HTTP/1.1\r\nHost: docker\r\nConnection: Upgrade\r\nUpgrade: tcp\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
    await head.promise;
    return socket;
  }

  const memory = (pid: number) =>
    Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
  const descriptors = (pid: number) => readdirSync(`/proc/${pid}/fd`).length;

  test("do not hold up a container, nor fill the engine or the shim, and leave nothing there", async () => {
    const id = await target.start(
      "busybox",
      "sh",
      "-c",
      `mkfifo /go; read go </go; head -c ${BYTES} /dev/zero; exec sleep 300`,
    );
    const shim = await shimOf(id, target);
    const before = { engine: descriptors(target.engine.pid), shim: descriptors(shim) };
    const rss = { engine: memory(target.engine.pid), shim: memory(shim) };
    const sockets = await Promise.all(
      Array.from({ length: CLIENTS }, () => lazy(`/containers/${id}/attach?stream=1&stdout=1&stderr=1`, "")),
    );
    await target.engine.berth(["exec", id, "sh", "-c", "until [ -p /go ]; do :; done; echo >/go"]);
    // It has printed all of it when it has become `sleep 300`.
    for (let printed = false; !printed;)
      printed = /\d +sleep 300$/m.test((await target.engine.berth(["top", id])).stdout);
    expect(memory(target.engine.pid) - rss.engine).toBeLessThan(GROWTH_KB);
    expect(memory(shim) - rss.shim).toBeLessThan(GROWTH_KB);
    for (const socket of sockets) socket.destroy();
    await until("as few descriptors as before", () => {
      return descriptors(target.engine.pid) <= before.engine && descriptors(shim) <= before.shim;
    });
    await target.engine.berth(["rm", "-f", id]);
  }, 60_000);

  test("of an exec: its output waits in the exec, not in the engine", async () => {
    const id = await target.start("busybox", "sleep", "300");
    const before = descriptors(target.engine.pid);
    const rss = memory(target.engine.pid);
    const sockets: Socket[] = [];
    for (let count = 0; count < 5; count++) {
      const created = await target.engine.api("POST", `/containers/${id}/exec`, {
        AttachStdout: true,
        Cmd: ["head", "-c", String(BYTES), "/dev/zero"],
      });
      sockets.push(await lazy(`/exec/${(created.body as { Id: string }).Id}/start`, "{}"));
    }
    const echo = await target.engine.berth(["exec", id, "echo", "others go on"]);
    expect(echo.stdout).toBe("others go on\n");
    expect(memory(target.engine.pid) - rss).toBeLessThan(GROWTH_KB);
    for (const socket of sockets) socket.destroy();
    await target.engine.berth(["rm", "-f", id]);
    await until("as few descriptors as before", () => descriptors(target.engine.pid) <= before);
  }, 60_000);
});
