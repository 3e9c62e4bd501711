/** CVE-2025-9074 (Docker Desktop): the engine's API answered on an address that every container could reach. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { has } from "../support/parts.ts";
import { Target } from "./hostile.ts";

const PORTS = "2375 2376 2377 53 80 443 4243 5000 7946 8080";

describe.if(has("root", "busybox"))("a container with a network", () => {
  let target: Target;
  beforeAll(async () => {
    target = await Target.start();
  }, 30_000);
  afterAll(() => target[Symbol.asyncDispose](), 30_000);

  const inside = (script: string, ...flags: string[]) =>
    target.engine.berth(["run", "--rm", ...flags, "busybox", "sh", "-c", script]);

  test("has a gateway, and finds there what the host serves to everybody", async () => {
    const { stdout } = await inside("ip route | sed -n 's/default via \\([0-9.]*\\) .*/\\1/p'");
    const gateway = stdout.trim();
    await using _server = await serve(gateway);
    const answer = await inside(`wget -qO- http://${gateway}:${_server.port}/`);
    expect(answer.stdout).toBe("reached");
  }, 30_000);

  test("finds no engine on it, on no port that one has ever had", async () => {
    const script = `G=$(ip route | sed -n 's/default via \\([0-9.]*\\) .*/\\1/p'); for p in ${PORTS}; do wget -T 2 -qO- http://$G:$p/version 2>/dev/null | grep -q ApiVersion && echo engine on $p; done; true`;
    expect((await inside(script)).stdout).toBe("");
  }, 60_000);

  test("finds none in the host's network namespace either", async () => {
    const script = `for p in ${PORTS}; do wget -T 2 -qO- http://127.0.0.1:$p/version 2>/dev/null | grep -q berth && echo engine on $p; done; true`;
    expect((await inside(script, "--network", "host")).stdout).toBe("");
  }, 60_000);

  test("cannot walk to the socket, nor open it through a process of the host that it sees", async () => {
    const { socket, pid } = target.engine;
    const script = `ls ${socket} /proc/${pid}/root${socket} /proc/${pid}/cwd/ 2>/dev/null; readlink /proc/${pid}/fd/3; cat /proc/${pid}/environ 2>/dev/null; true`;
    expect((await inside(script, "--network", "none", "--pid", "host")).stdout).toBe("");
  }, 30_000);
});

/** A server on an address of the host's. */
async function serve(hostname: string): Promise<AsyncDisposable & { port: number }> {
  const server = Bun.serve({ hostname, port: 0, fetch: () => new Response("reached") });
  return { port: server.port ?? 0, [Symbol.asyncDispose]: () => server.stop(true) };
}
