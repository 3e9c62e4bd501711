/**
 * CVE-2024-21626 (runc): a working directory of /proc/self/fd/N was a directory of the host that the runtime had forgotten to close.
 * Its third variant executes a binary of the host through such a descriptor.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { has } from "../support/parts.ts";
import { SECRET, Target } from "./hostile.ts";

const DESCRIPTORS = Array.from({ length: 20 }, (_, index) => index);
const UP = "../".repeat(20);

describe.if(has("root", "busybox"))("descriptors of the runtime", () => {
  let target: Target;
  let id: string;
  beforeAll(async () => {
    target = await Target.start();
    id = await target.start("busybox", "sleep", "300");
  }, 30_000);
  afterAll(() => target[Symbol.asyncDispose](), 30_000);

  test("are no working directory, for run", async () => {
    for (const fd of DESCRIPTORS) {
      const peek = `cat ${UP}${target.outside.slice(1)}/secret; echo x >${UP}${target.outside.slice(1)}/written`;
      const { stdout } = await target.run("-w", `/proc/self/fd/${fd}`, "busybox", "sh", "-c", peek);
      expect(stdout).not.toContain(SECRET);
    }
    await target.isUnharmed();
  }, 60_000);

  test("are no working directory, for exec", async () => {
    for (const fd of DESCRIPTORS) {
      const peek = `cat ${UP}${target.outside.slice(1)}/secret`;
      const { stdout } = await target.engine.berth([
        "exec",
        "-w",
        `/proc/self/fd/${fd}`,
        id,
        "sh",
        "-c",
        peek,
      ]);
      expect(stdout).not.toContain(SECRET);
    }
  }, 60_000);

  test("are no way to a working directory that is made", async () => {
    await target.image("jumps", { sh: "for n in $(seq 0 19); do ln -s /proc/self/fd/$n jump$n; done" });
    for (const fd of DESCRIPTORS) {
      await target.run("-w", `/jump${fd}${target.outside}/made`, "jumps", "true");
      await target.run("-w", `/jump${fd}/${UP}${target.outside.slice(1)}/made`, "jumps", "true");
    }
    await target.isUnharmed();
  }, 60_000);

  test("are no way to a program of the host", async () => {
    await Bun.spawn(["cp", "/bin/busybox", `${target.engine.place}/hostbox`]).exited;
    for (const fd of DESCRIPTORS) {
      const program = `/proc/self/fd/${fd}/${UP}${target.engine.place.slice(1)}/hostbox`;
      const run = await target.run("busybox", program, "echo", "escaped");
      expect({ fd, escaped: run.stdout.includes("escaped") }).toEqual({ fd, escaped: false });
      const exec = await target.engine.berth(["exec", id, program, "echo", "escaped"]);
      expect({ fd, escaped: exec.stdout.includes("escaped") }).toEqual({ fd, escaped: false });
    }
  }, 120_000);

  test("a working directory that is very deep is made or refused, nothing in between", async () => {
    const deep = "/a".repeat(2000);
    const { code, stderr } = await target.run("-w", deep, "busybox", "pwd");
    if (code !== 0) expect(stderr).toMatch(/too long|too many|working directory/i);
  }, 30_000);
});
