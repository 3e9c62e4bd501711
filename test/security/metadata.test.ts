/**
 * CVE-2022-23648, CVE-2026-53488 (containerd): image config steered the host. Labels, names, environment and host names of an image or
 * a request are data: no key of them is obeyed, no line of them ends up in a file of its own accord.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { has } from "../support/parts.ts";
import { shimOf, Target } from "./hostile.ts";

describe.if(has("root", "busybox"))("an image's config", () => {
  let target: Target;
  beforeAll(async () => {
    target = await Target.start();
  }, 30_000);
  afterAll(() => target[Symbol.asyncDispose](), 30_000);

  test("has labels that nobody obeys", async () => {
    await target.image("labels", {
      changes: [
        `LABEL io.containerd.runc.v2.group=evil containerd.io/restart.loguri=binary://${target.outside}/evil log-driver=binary com.docker.network.bridge.name=eth0`,
      ],
    });
    expect((await target.run("labels", "echo", "well")).stdout).toBe("well\n");
    await target.isUnharmed();
  }, 30_000);

  test("has volumes that are no paths of the host", async () => {
    const changes = [`VOLUME ${target.outside}`, "VOLUME /../../../../etc"];
    await target.image("volumes", { changes }).catch(() => undefined);
    await target.run("volumes", "sh", "-c", `echo x >${target.outside}/x; echo x >/etc/evil`);
    expect(existsSync("/etc/evil")).toBe(false);
    await target.isUnharmed();
  }, 30_000);

  test("has an environment that reaches its program and nobody else's", async () => {
    const traps = [
      `LD_PRELOAD=${target.outside}/evil.so`,
      `LD_LIBRARY_PATH=${target.outside}`,
      `BUN_OPTIONS=--preload=${target.outside}/evil.ts`,
      "BUN_BE_BUN=1",
      `PATH=${target.outside}:/bin`,
      "BERTH_HOST=unix:///evil.sock",
      `BERTH_ROOT=${target.outside}`,
    ];
    await target.image("traps", { changes: traps.map((each) => `ENV ${each}`) });
    const id = await target.start("traps", "sleep", "100");
    expect((await target.engine.berth(["exec", id, "sh", "-c", "echo $BUN_OPTIONS"])).stdout).toContain(
      "--preload=",
    );
    expect((await target.engine.berth(["cp", `${id}:/etc/passwd`, "-"])).code).toBe(0);
    for (const pid of [target.engine.pid, await shimOf(id, target)]) {
      expect(await Bun.file(`/proc/${pid}/environ`).text()).not.toMatch(/LD_PRELOAD|BUN_|evil/);
    }
    await target.isUnharmed();
  }, 30_000);
});

describe.if(has("root", "busybox"))("a request's words", () => {
  let target: Target;
  beforeAll(async () => {
    target = await Target.start();
  }, 30_000);
  afterAll(() => target[Symbol.asyncDispose](), 30_000);

  test.each(["../evil", "a/../../b", "a\nb", "a\u001b[31mb", "-rf", ".", "a b", "é", "a\0b"])(
    "%j is no name for a container",
    async (name) => {
      const { status } = await target.engine.api(
        "POST",
        `/containers/create?name=${encodeURIComponent(name)}`,
        { Image: "busybox" },
      );
      expect(status).toBe(400);
    },
    30_000,
  );

  test.each([
    ["a host name", { Hostname: "a\n6.6.6.6 evil" }],
    ["a domain name", { Hostname: "a", Domainname: "b\n6.6.6.6 evil" }],
    ["an extra host", { HostConfig: { ExtraHosts: ["a:1.2.3.4\n6.6.6.6 evil"] } }],
    ["a resolver", { HostConfig: { Dns: ["1.1.1.1\nnameserver 6.6.6.6"] } }],
    ["a search domain", { HostConfig: { DnsSearch: ["a\nnameserver 6.6.6.6"] } }],
    ["a variable", { Env: ["A=b\0C=d"] }],
    ["an argument", { Cmd: ["echo", "a\0b"] }],
    ["a working directory", { WorkingDir: "relative" }],
    ["a log file", { HostConfig: { LogConfig: { Type: "json-file", Config: { "log-path": "/etc/evil" } } } }],
    ["a runtime", { HostConfig: { Runtime: "../../evil" } }],
    ["a parent cgroup", { HostConfig: { CgroupParent: "/../../evil" } }],
  ])(
    "with a line or a path in %s too many are refused",
    async (_, request) => {
      const { status, body } = await target.engine.api("POST", "/containers/create", {
        Image: "busybox",
        ...request,
      });
      if (status === 201) {
        const { Id } = body as { Id: string };
        const started = await target.engine.api("POST", `/containers/${Id}/start`);
        expect(started.status).toBeGreaterThanOrEqual(400);
      }
      const { stdout } = await target.engine.berth(["ps", "-q"]);
      expect(stdout).toBe("");
    },
    30_000,
  );

  test("an id is no path", async () => {
    for (const id of ["..", "%2e%2e", "..%2f..%2fetc", "%00", "a%0ab"]) {
      const { status } = await target.engine.api("GET", `/containers/${id}/json`);
      expect(status).toBeGreaterThanOrEqual(300);
      expect(status).toBeLessThan(500);
    }
  }, 30_000);
});
