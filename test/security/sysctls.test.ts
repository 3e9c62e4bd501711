/** CVE-2022-0811 (cri-o): a sysctl value carried a second one, `kernel.core_pattern`, which the kernel runs as root of the host. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { has } from "../support/parts.ts";
import { Target } from "./hostile.ts";

const CORE_PATTERN = "/proc/sys/kernel/core_pattern";

describe.if(has("root", "busybox"))("--sysctl", () => {
  let target: Target;
  const before = readFileSync(CORE_PATTERN, "utf8");
  beforeAll(async () => {
    target = await Target.start();
  }, 30_000);
  afterAll(() => target[Symbol.asyncDispose](), 30_000);

  /** Of create, or of start: docker finds out only then. */
  async function statusOfStart(hostConfig: object): Promise<number> {
    const { api } = target.engine;
    const created = await api.call(target.engine, "POST", "/containers/create", {
      Image: "busybox",
      HostConfig: hostConfig,
    });
    if (created.status !== 201) return created.status;
    const { Id } = created.body as { Id: string };
    const { status } = await api.call(target.engine, "POST", `/containers/${Id}/start`);
    await api.call(target.engine, "DELETE", `/containers/${Id}?force=1`);
    return status;
  }

  test.each([
    "kernel.core_pattern=|/evil",
    "kernel/core_pattern=|/evil",
    "kernel.shm_rmid_forced=1+kernel.core_pattern=|/evil",
    "net.ipv4.ip_forward=1\nkernel.core_pattern=|/evil",
    "net/../kernel/core_pattern=|/evil",
    "net.ipv4./../../kernel/core_pattern=|/evil",
    "net.ipv4....kernel.core_pattern=|/evil",
    "/proc/sys/kernel/core_pattern=|/evil",
    "kernel.modprobe=/evil",
    "fs.suid_dumpable=1",
    "vm.overcommit_memory=1",
    "kernel.sem",
    "=1",
  ])(
    "%j is refused",
    async (sysctl) => {
      const { code, stdout } = await target.run("--sysctl", sysctl, "busybox", "echo", "started");
      expect({ code, stdout }).toEqual({ code: 125, stdout: "" });
      const [name, value] = [sysctl.slice(0, sysctl.indexOf("=")), sysctl.slice(sysctl.indexOf("=") + 1)];
      expect(await statusOfStart({ Sysctls: { [name]: value } })).toBeGreaterThanOrEqual(400);
      expect(readFileSync(CORE_PATTERN, "utf8")).toBe(before);
    },
    30_000,
  );

  test("of the host's namespaces are refused, those of the container's own are set", async () => {
    const shared = await target.engine.berth([
      "run",
      "--rm",
      "--network",
      "host",
      "--sysctl",
      "net.ipv4.ip_forward=1",
      "busybox",
      "true",
    ]);
    expect(shared.code).toBe(125);
    const ipc = await target.run("--ipc", "host", "--sysctl", "kernel.msgmax=1000", "busybox", "true");
    expect(ipc.code).toBe(125);
    expect(await target.shell("cat /proc/sys/kernel/msgmax", "--sysctl", "kernel.msgmax=12345")).toBe(
      "12345\n",
    );
    expect(
      await target.shell("cat /proc/sys/net/ipv4/ip_default_ttl", "--sysctl", "net.ipv4.ip_default_ttl=33"),
    ).toBe("33\n");
  }, 30_000);
});
