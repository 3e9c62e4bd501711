/**
 * CVE-2026-46680, CVE-2024-40635 (containerd): a numeric USER was looked up as a name, or wrapped around to 0. CVE-2026-30892 (crun):
 * a wrong `-u` became another user. CVE-2026-47262 (containerd): the image's /etc/group was read without a limit.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { has } from "../support/parts.ts";
import { Target } from "./hostile.ts";

describe.if(has("root", "busybox"))("USER", () => {
  let target: Target;
  let id: string;
  beforeAll(async () => {
    target = await Target.start();
    await target.image("names", {
      sh: "printf '1000:x:0:0::/:/bin/sh\\nroot2:x:0:0::/:/bin/sh\\nwrap:x:4294967296:4294967296::/:/bin/sh\\nminus:x:-1:-1::/:/bin/sh\\nada:x:1001:1001::/:/bin/sh\\n' >etc/passwd; printf '1000:x:0:\\nwheel:x:10:ada\\nhuge:x:4294967296:ada\\n' >etc/group",
      changes: ["USER 1000:1000"],
    });
    id = await target.start("names", "sleep", "300");
  }, 30_000);
  afterAll(() => target[Symbol.asyncDispose](), 30_000);

  test("digits are a number, whatever the image calls its users and groups", async () => {
    expect((await target.run("names", "id", "-u")).stdout).toBe("1000\n");
    expect((await target.run("names", "id", "-g")).stdout).toBe("1000\n");
    expect((await target.engine.berth(["exec", id, "id", "-u"])).stdout).toBe("1000\n");
    expect((await target.engine.berth(["exec", "-u", "1000", id, "id", "-u"])).stdout).toBe("1000\n");
  }, 30_000);

  test.each([
    "4294967296",
    "4294967295",
    "2147483648",
    "18446744073709551616",
    "-1",
    "0:4294967296",
    "0:-1",
    "wrap",
    "minus",
    "root:nosuch",
    "nosuch",
    " 0",
    "0 ",
    "+0",
    "0x0",
    "1000:1000:0",
  ])(
    "%j is refused, never another user",
    async (user) => {
      const { code, stdout, stderr } = await target.run("-u", user, "names", "id", "-u");
      expect({ code, stdout }).toEqual({ code: 125, stdout: "" });
      expect(stderr).not.toBe("");
      const exec = await target.engine.berth(["exec", "-u", user, id, "id", "-u"]);
      expect(exec.stdout).not.toMatch(/^\d+$/m); // docker, too, says there why an exec failed
      expect(exec.code).not.toBe(0);
    },
    30_000,
  );

  test("a group's number beyond the limit is no group of anybody's", async () => {
    expect((await target.run("-u", "ada", "names", "id", "-G")).stdout).toBe("1001 10\n");
  }, 30_000);

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
      const rss = Number(
        /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${target.engine.pid}/status`, "utf8"))?.[1],
      );
      expect(rss).toBeLessThan(150_000);
    },
    30_000,
  );

  test.each([
    ["a FIFO", "rm etc/passwd; mkfifo etc/passwd"],
    ["a link to the host", 'rm etc/passwd; ln -s "$OUTSIDE/secret" etc/passwd'],
    ["a link to itself", "rm etc/passwd; ln -s passwd etc/passwd"],
    ["a directory", "rm etc/passwd; mkdir etc/passwd"],
    ["a device", "rm etc/passwd; mknod etc/passwd c 1 5"],
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
});
