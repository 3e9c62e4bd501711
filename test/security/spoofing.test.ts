/**
 * Neighbours on the bridge: a container that claims another's address, or sends what comes from nowhere, gets nobody's traffic; and
 * 127.0.0.0/8 of the host, which docker's published ports opened (CVE-2025-54388), is not to be reached through the bridge.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { has } from "../support/parts.ts";
import { Target } from "./hostile.ts";

describe.if(has("root", "busybox"))("a container on the bridge", () => {
  let target: Target;
  let victim: string;
  let address: string;
  beforeAll(async () => {
    target = await Target.start();
    const { stdout } = await target.engine.berth([
      "run",
      "-d",
      "busybox",
      "sh",
      "-c",
      "while :; do echo victim | nc -l -p 7000; done",
    ]);
    victim = stdout.trim();
    address = (await target.engine.berth(["exec", victim, "hostname", "-i"])).stdout.trim();
  }, 30_000);
  afterAll(() => target[Symbol.asyncDispose](), 30_000);

  const inside = (script: string, ...flags: string[]) =>
    target.engine.berth(["run", "--rm", ...flags, "busybox", "sh", "-c", script]);

  test("cannot change its address, its routes or its neighbours: that takes NET_ADMIN", async () => {
    const script = `ip addr add ${address}/16 dev eth0 2>&1; ip route add 127.0.0.0/8 dev eth0 2>&1; ip link set eth0 address 02:42:00:00:00:01 2>&1`;
    expect((await inside(script)).stdout.match(/not permitted/g)?.length).toBe(3);
  }, 30_000);

  test("with NET_ADMIN takes no other's address away: the host's neighbours and the bridge's ports are fixed", async () => {
    const claim = `ip addr add ${address}/16 dev eth0; arping -U -c 3 -I eth0 ${address} >/dev/null 2>&1; arping -A -c 3 -I eth0 ${address} >/dev/null 2>&1; echo claimed`;
    expect((await inside(claim, "--cap-add", "NET_ADMIN")).stdout).toContain("claimed");
    expect((await inside(`nc ${address} 7000`)).stdout).toBe("victim\n");
  }, 30_000);

  test("does not reach what listens on the host's loopback alone", async () => {
    const server = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response("loopback") });
    const script = `G=$(ip route | sed -n 's/default via \\([0-9.]*\\) .*/\\1/p'); ip route del 127.0.0.0/8 dev lo table local 2>/dev/null; ip route add 127.0.0.0/8 via $G 2>/dev/null; wget -T 2 -qO- http://127.0.0.1:${server.port}/; wget -T 2 -qO- http://$G:${server.port}/; true`;
    const { stdout } = await inside(script, "--cap-add", "NET_ADMIN");
    await server.stop(true);
    expect(stdout).toBe("");
  }, 30_000);
});
