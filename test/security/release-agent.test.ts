/** CVE-2022-0492 (Linux): a process that could mount a cgroup v1 hierarchy named a program that the kernel then ran as root of the host. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { has } from "../support/parts.ts";
import { Target } from "./hostile.ts";

/** The published exploit up to the point where a program would be named; says how far it came. */
const EXPLOIT = [
  "mkdir -p /tmp/mounted",
  "for each in memory rdma pids freezer name=evil; do",
  "  mount -t cgroup -o none,$each none /tmp/mounted 2>/dev/null || mount -t cgroup -o $each none /tmp/mounted 2>/dev/null || continue",
  "  echo mounted; (echo /evil >/tmp/mounted/release_agent) 2>/dev/null && echo named; umount /tmp/mounted",
  "done",
  "for each in /sys/fs/cgroup/*/release_agent; do [ -e $each ] && (echo /evil >$each) 2>/dev/null && echo named; done; true",
].join("\n");

describe.if(has("root", "busybox"))("a release agent", () => {
  let target: Target;
  beforeAll(async () => {
    target = await Target.start();
  }, 30_000);
  afterAll(() => target[Symbol.asyncDispose](), 30_000);

  test.each([
    ["by default", [], EXPLOIT],
    ["in a user namespace of its own", [], `unshare -UrmC sh -c '${EXPLOIT}' 2>/dev/null; true`],
    [
      "in a user namespace that the seccomp profile would have refused",
      ["--security-opt", "seccomp=unconfined"],
      `unshare -UrmC sh -c '${EXPLOIT}' 2>/dev/null; true`,
    ],
    ["with no_new_privs", ["--security-opt", "no-new-privileges"], EXPLOIT],
  ])(
    "cannot be named %s",
    async (_, flags, script) => {
      expect((await target.run(...flags, "busybox", "sh", "-c", script)).stdout).not.toContain("named");
    },
    30_000,
  );

  test("cannot be named by a container with the host's control groups in sight", async () => {
    const volume = ["-v", "/sys/fs/cgroup:/host:ro"];
    const script =
      "for each in /host/*/release_agent; do [ -e $each ] && (echo /evil >$each) 2>/dev/null && echo named; done; true";
    expect((await target.run(...volume, "busybox", "sh", "-c", script)).stdout).toBe("");
  }, 30_000);
});
