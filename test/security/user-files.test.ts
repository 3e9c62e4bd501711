/**
 * CVE-2026-47262 (containerd): the image's /etc/group was read without a limit. Nor may these files be something that does something
 * when it is opened or read: a FIFO, a device, a file of the kernel's.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { has } from "../support/parts.ts";
import { Target } from "./hostile.ts";

const MANY = "i=0; while [ $i -lt 30000 ]; do echo u$i:x:$i:; i=$((i+1)); done";

describe.if(has("root", "busybox"))("passwd and group of an image", () => {
  let target: Target;
  beforeAll(async () => {
    target = await Target.start();
  }, 30_000);
  afterAll(() => target[Symbol.asyncDispose](), 30_000);

  test.each([
    ["/etc/group of 100 MB", "truncate -s 100M etc/group"],
    ["/etc/passwd of 100 MB", "truncate -s 100M etc/passwd"],
  ])(
    "an %s is an error, not 100 MB of memory",
    async (what, sh) => {
      const tag = `big${what.length}`;
      await target.image(tag, { sh });
      const { code, stderr } = await target.run("-u", "ada", tag, "true");
      expect(code).toBe(125);
      expect(stderr).toMatch(/\/etc\/(group|passwd).*too large/);
      const status = readFileSync(`/proc/${target.engine.pid}/status`, "utf8");
      expect(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1])).toBeLessThan(150_000);
    },
    30_000,
  );

  test.each([
    ["a FIFO", "rm etc/passwd; mkfifo etc/passwd"],
    ["a link to the host", 'rm etc/passwd; ln -s "$OUTSIDE/secret" etc/passwd'],
    ["a link to itself", "rm etc/passwd; ln -s passwd etc/passwd"],
    ["a directory", "rm etc/passwd; mkdir etc/passwd"],
    ["a device", "rm etc/passwd; mknod etc/passwd c 1 5"],
    ["a link to a device", "rm etc/passwd; ln -s /dev/zero etc/passwd"],
    ["the log of the kernel", "rm etc/passwd; ln -s /proc/kmsg etc/passwd"],
    ["one line without an end", "head -c 1000000 /dev/zero | tr '\\0' a >etc/passwd"],
    ["a line of colons", "head -c 1000000 /dev/zero | tr '\\0' : >etc/passwd"],
    ["all zeroes", "head -c 1000000 /dev/zero >etc/passwd"],
    ["ended by a zero", "printf '\\0ada:x:0:0::/:/bin/sh\\n' >etc/passwd"],
  ])(
    "an /etc/passwd that is %s neither hangs nor helps",
    async (what, sh) => {
      const tag = `passwd-${what.replaceAll(/\W+/g, "-")}`.toLowerCase();
      await target.image(tag, { sh });
      const { code, stdout } = await target.run("-u", "ada", tag, "id", "-u");
      expect({ code, stdout }).toEqual({ code: 125, stdout: "" });
    },
    30_000,
  );

  test("a user in thirty thousand groups gets no more than the kernel takes", async () => {
    await target.image("crowd", { sh: `(${MANY}) | sed s/$/ada/ >etc/group` });
    const { code, stdout } = await target.run("-u", "ada", "crowd", "sh", "-c", "id -G | wc -w");
    expect(code).toBe(0);
    expect(Number(stdout)).toBeLessThanOrEqual(1025);
  }, 30_000);

  test("a file of the kernel's is never read: whoever reads this one finds a user that nobody has written down", async () => {
    await target.image("environ", { sh: "rm etc/passwd; ln -s /proc/1/environ etc/passwd" });
    const id = await target.start("environ", "env", "-i", "eve:x:0:0::/=", "sleep", "100");
    const read = () => target.engine.berth(["exec", id, "cat", "/etc/passwd"]);
    for (let tries = 0; tries < 100; tries++) if ((await read()).stdout.startsWith("eve")) break;
    expect((await read()).stdout).toStartWith("eve:x:0:0:");
    const { code, stdout } = await target.engine.berth(["exec", "-u", "eve", id, "id", "-u"]);
    expect({ code, stdout }).not.toEqual({ code: 0, stdout: "0\n" });
  }, 30_000);
});
