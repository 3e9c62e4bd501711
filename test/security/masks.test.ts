/**
 * CVE-2025-31133 (runc): masks were made of the container's own /dev/null, which the image had replaced. And the mask must not hand
 * the host's null device to the container: a chmod of it would reach every process of the host.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chmodSync, statSync } from "node:fs";
import { has } from "../support/parts.ts";
import { Target } from "./hostile.ts";

const MASKED_FILES = ["kcore", "keys", "latency_stats", "timer_list", "sched_debug"].map(
  (name) => `/proc/${name}`,
);

describe.if(has("root", "busybox"))("masked paths", () => {
  let target: Target;
  const before = statSync("/dev/null");
  beforeAll(async () => {
    target = await Target.start();
  }, 30_000);
  afterAll(async () => {
    chmodSync("/dev/null", before.mode & 0o7777); // whatever a failing test did to the machine
    await target[Symbol.asyncDispose]();
  }, 30_000);

  test("are null devices and empty directories, whatever the image's /dev/null is", async () => {
    await target.image("null-link", { sh: "rm -rf dev/null; ln -s /etc/passwd dev/null" });
    const script = `for each in ${MASKED_FILES.join(" ")}; do [ ! -e $each ] || echo $(stat -c %t:%T $each) $(wc -c <$each); done; ls -A /proc/acpi /proc/scsi /sys/firmware 2>/dev/null; true`;
    const { stdout } = await target.run("null-link", "sh", "-c", script);
    const lines = stdout.split("\n").filter((line) => !line.endsWith(":") && line !== "");
    expect(lines.length).toBeGreaterThan(0);
    expect(new Set(lines)).toEqual(new Set(["1:3 0"]));
  }, 30_000);

  test.each(["/proc/kcore", "/proc/keys", "/proc/self/fd/0", "/dev/null"])(
    "a chmod of %s does not reach the host",
    async (path) => {
      await target.run(
        "busybox",
        "sh",
        "-c",
        `chmod 667 ${path}; chown 1:1 ${path}; touch -d 2001-01-01 ${path}`,
      );
      const after = statSync("/dev/null");
      expect({ mode: after.mode, uid: after.uid, mtime: after.mtimeMs }).toEqual({
        mode: before.mode,
        uid: before.uid,
        mtime: before.mtimeMs,
      });
    },
    30_000,
  );

  test("nor does one of the standard streams of an exec", async () => {
    const id = await target.start("busybox", "sleep", "100");
    await target.engine.berth([
      "exec",
      id,
      "sh",
      "-c",
      "for n in 0 1 2; do chmod 667 /proc/self/fd/$n; done",
    ]);
    await target.engine.berth([
      "exec",
      "-d",
      id,
      "sh",
      "-c",
      "for n in 0 1 2; do chmod 667 /proc/self/fd/$n; done; touch /tried",
    ]);
    await target.engine.berth(["exec", id, "sh", "-c", "until [ -e /tried ]; do sleep 0.05; done"]);
    expect(statSync("/dev/null").mode).toBe(before.mode);
  }, 30_000);

  test.each([
    "/proc/sys/kernel/core_pattern",
    "/proc/sysrq-trigger",
    "/proc/sys/kernel/modprobe",
    "/proc/irq/default_smp_affinity",
  ])(
    "%s cannot be written",
    async (path) => {
      const { code, stderr } = await target.run(
        "busybox",
        "sh",
        "-c",
        `[ -e ${path} ] || exit 1; echo x >${path}`,
      );
      expect(code).toBe(1);
      expect(stderr).toMatch(/Read-only file system|^$/);
    },
    30_000,
  );

  test("no mask can be taken away, no file system be mounted", async () => {
    const script =
      "umount /proc/kcore; mount -t proc proc /mnt; mount -o remount,rw /proc/sys; mkdir /x; mount -t tmpfs t /x";
    const { stderr } = await target.run("busybox", "sh", "-c", script);
    expect(
      stderr.match(/[Pp]ermission denied|Operation not permitted|can't/g)?.length,
    ).toBeGreaterThanOrEqual(3);
    const sizes = `for each in ${MASKED_FILES.join(" ")}; do [ ! -e $each ] || wc -c <$each; done`;
    expect(new Set((await target.shell(sizes)).trim().split("\n"))).toEqual(new Set(["0"]));
  }, 30_000);
});
