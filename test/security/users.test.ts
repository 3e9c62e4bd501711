/** CVE-2026-46680, CVE-2024-40635 (containerd): a numeric USER was looked up as a name, or wrapped around to 0. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
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
});
