/**
 * CVE-2021-30465, CVE-2024-45310 (runc): the target of a mount, or what is made on the way to it, leads out of the root through
 * links of the image. CVE-2019-16884, CVE-2019-19921: a mount over /proc makes the runtime write to files of the image's choice.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { writeFile } from "node:fs/promises";
import { has } from "../support/parts.ts";
import { scratch, Target } from "./hostile.ts";

describe.if(has("root", "busybox"))("the target of a mount", () => {
  let target: Target;
  let source: string;
  beforeAll(async () => {
    target = await Target.start();
    source = await scratch(target, "source");
    await writeFile(`${source}/inside`, "");
  }, 30_000);
  afterAll(() => target[Symbol.asyncDispose](), 30_000);

  test.each([
    ["absolute", 'ln -s "$OUTSIDE" data'],
    ["climbing", 'ln -s "../../../../../../..$OUTSIDE" data'],
    ["in two steps", 'ln -s "$OUTSIDE" one; ln -s /one data'],
    ["through a magic link of procfs", "ln -s /proc/self/cwd data"],
  ])(
    "a link of the image that is %s stays inside the root, for binds and for tmpfs",
    async (kind, sh) => {
      const tag = `mount-${kind.replaceAll(" ", "-")}`;
      await target.image(tag, { sh });
      await target.run("-v", `${source}:/data`, tag, "true");
      await target.run("-v", `${source}:/data/deep/er`, tag, "true");
      await target.run("--tmpfs", "/data", tag, "sh", "-c", "echo x >/data/x");
      await target.run("-w", "/data/made", tag, "true");
      await target.isUnharmed();
    },
    30_000,
  );

  test("a link as the last part is followed inside the root, as docker does", async () => {
    await target.image("linked", { sh: "mkdir real; ln -s /real data" });
    const { stdout } = await target.run("-v", `${source}:/data`, "linked", "ls", "/real");
    expect(stdout).toBe("inside\n");
  }, 30_000);

  test.each(["/proc", "/proc/self", "/proc/sys/kernel", "/proc/1/attr", "/proc/../proc/sys"])(
    "a mount on %s is refused",
    async (destination) => {
      const bind = await target.run("-v", `${source}:${destination}`, "busybox", "true");
      expect(bind.stderr).toMatch(/because it is (inside \/proc|not of type proc)/);
      expect(bind.code).toBe(125);
      const tmpfs = await target.run("--tmpfs", destination, "busybox", "true");
      expect(tmpfs.code).toBe(125);
    },
    30_000,
  );

  test("the files of procfs that lxcfs replaces may be bound", async () => {
    await writeFile(`${source}/uptime`, "1.00 1.00\n");
    const { stdout } = await target.run(
      "-v",
      `${source}/uptime:/proc/uptime`,
      "busybox",
      "cat",
      "/proc/uptime",
    );
    expect(stdout).toBe("1.00 1.00\n");
  }, 30_000);
});
