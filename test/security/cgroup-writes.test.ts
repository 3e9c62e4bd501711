/** CVE-2023-25809 (runc): without a cgroup namespace of its own a container found /sys/fs/cgroup writable, and with it its limits. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { has } from "../support/parts.ts";
import { Target } from "./hostile.ts";

/** Tries to make a group beside or below its own, to leave its group, and to raise a limit; says what it could do. */
const WRITES = [
  "for d in /sys/fs/cgroup /sys/fs/cgroup/*; do",
  "  [ -d $d ] || continue",
  "  mkdir $d/evil 2>/dev/null && { echo made; rmdir $d/evil; }",
  "  for f in cgroup.procs tasks cgroup.subtree_control pids.max memory.max memory.limit_in_bytes devices.allow; do",
  "    [ -e $d/$f ] && (echo $$ >$d/$f) 2>/dev/null && echo written",
  "  done",
  "done; true",
].join("\n");

describe.if(has("root", "busybox"))("control groups", () => {
  let target: Target;
  beforeAll(async () => {
    target = await Target.start();
  }, 30_000);
  afterAll(() => target[Symbol.asyncDispose](), 30_000);

  test("can be written where they are mounted for writing: in a privileged container", async () => {
    const { stdout } = await target.run("--privileged", "busybox", "sh", "-c", WRITES);
    expect(stdout).toContain("written");
  }, 30_000);

  test.each([
    ["a namespace of its own", ["--cgroupns", "private"]],
    ["the host's namespace", ["--cgroupns", "host"]],
    ["the host's processes", ["--pid", "host"]],
    ["all of docker's capabilities but none to mount", ["--cap-add", "NET_ADMIN", "--cap-add", "SYS_PTRACE"]],
  ])(
    "are read-only for a container with %s",
    async (_, flags) => {
      expect((await target.run(...flags, "busybox", "sh", "-c", WRITES)).stdout).toBe("");
    },
    30_000,
  );

  test("are so for an exec, a privileged one included", async () => {
    const id = await target.start("busybox", "sleep", "100");
    for (const flags of [[], ["--privileged"]])
      expect((await target.engine.berth(["exec", ...flags, id, "sh", "-c", WRITES])).stdout).toBe("");
  }, 30_000);

  test("show a container with a namespace of its own nothing above its own group", async () => {
    const groups = await target.shell("cut -d: -f3 /proc/self/cgroup", "--cgroupns", "private");
    expect(new Set(groups.trim().split("\n"))).toEqual(new Set(["/"]));
  }, 30_000);
});
