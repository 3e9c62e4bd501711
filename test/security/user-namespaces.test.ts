/** What root of a user namespace may: everything with what is its own, nothing with what is the host's or another container's. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chmodSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { leaks } from "../support/leaks.ts";
import { has } from "../support/parts.ts";
import { scratch, Target } from "./hostile.ts";

const AUTO = ["--userns", "auto"];

describe.if(has("root", "busybox"))("in a user namespace", () => {
  let target: Target;
  beforeAll(async () => {
    target = await Target.start();
  }, 30_000);
  afterAll(() => target[Symbol.asyncDispose](), 30_000);

  const pidOf = async (id: string) =>
    Number((await target.engine.berth(["inspect", "-f", "{{.State.Pid}}", id])).stdout);
  const rootOf = (pid: number) =>
    Number(/^Uid:\t(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
  const run = (...words: readonly string[]) =>
    target.engine.berth(["run", "-d", "--network", "none", ...AUTO, ...words]);

  test("root is an id of the host that owns nothing, and two containers have none in common", async () => {
    const ids = [
      (await run("busybox", "sleep", "300")).stdout.trim(),
      (await run("busybox", "sleep", "300")).stdout.trim(),
    ];
    const [first = 0, second = 0] = await Promise.all(ids.map(async (id) => rootOf(await pidOf(id))));
    expect(Math.min(first, second)).toBeGreaterThanOrEqual(65_536);
    expect(Math.abs(first - second)).toBeGreaterThanOrEqual(65_536);
    expect(readFileSync("/etc/passwd", "utf8")).not.toContain(`:${first}:`);
    const { stdout } = await target.engine.berth(["exec", ids[0] ?? "", "cat", "/proc/self/status"]);
    expect(stdout).toContain("Uid:\t0\t0\t0\t0");
    expect(stdout).toContain("CapEff:\t00000000a80425fb"); // docker's, no wider
    await target.engine.berth(["rm", "-f", ...ids]);
  }, 30_000);

  test("root neither reads nor changes what the host's root keeps to itself", async () => {
    const directory = await scratch(target, "kept");
    writeFileSync(`${directory}/secret`, "host", { mode: 0o600 });
    chmodSync(directory, 0o755);
    const script =
      "cat /x/secret; echo y >>/x/secret; touch /x/new; rm -f /x/secret; chown 0:0 /x/secret; mv /x/secret /x/s; true";
    expect(await target.shell(script, ...AUTO, "-v", `${directory}:/x`)).toBe("");
    expect(readFileSync(`${directory}/secret`, "utf8")).toBe("host");
    expect(statSync(`${directory}/new`, { throwIfNoEntry: false })).toBeUndefined();
  }, 30_000);

  test("what root makes in a bind belongs to its own id, and a setuid file is nobody's root", async () => {
    const directory = await scratch(target, "open");
    chmodSync(directory, 0o777);
    await target.shell("cp /bin/busybox /x/su && chmod 4755 /x/su", ...AUTO, "-v", `${directory}:/x`);
    const { uid, mode } = statSync(`${directory}/su`);
    expect(uid).toBeGreaterThanOrEqual(65_536);
    expect(mode & 0o4000).toBe(0o4000); // of that id: it lends no right of the host's
    await target.shell("echo a >/x/mapped", ...AUTO, "-v", `${directory}:/x:idmap`);
    expect(statSync(`${directory}/mapped`).uid).toBe(0); // only where it was asked
  }, 30_000);

  test("all capabilities are over what is its own", async () => {
    const script = [
      "echo 1 >/proc/sys/kernel/panic_on_oops && echo sysctl",
      "mknod /tmp/disk b 8 0 && echo device",
      "mount -t ext4 /dev/vda /mnt && echo disk",
      "date -s 2001-01-01 2>&1 | grep -v Operation.not.permitted | grep -v 2001",
      "echo -1000 >/proc/self/oom_score_adj && echo score",
      "mount -o remount,rw /proc/sys && echo 1 >/proc/sys/kernel/panic_on_oops && echo sysctl again",
      "hostname mine && hostname",
    ];
    const flags = [...AUTO, "--cap-add", "ALL", "--security-opt", "seccomp=unconfined"];
    expect(await target.shell(`(${script.join("; ")}) 2>/dev/null`, ...flags)).toBe("mine\n");
    expect(readFileSync("/proc/sys/kernel/panic_on_oops", "utf8").trim()).not.toBe("1");
  }, 30_000);

  test("nothing that the shim prepared with the host's rights is left in the program's hands", async () => {
    expect(
      await target.shell("ls /proc/self/fd | wc -l; ls -l /proc/1/fd | grep -c deleted; true", ...AUTO),
    ).toBe("4\n0\n");
    expect(
      await target.shell(
        "grep -c . /proc/self/mountinfo; grep -c /tmp/bt- /proc/self/mountinfo; true",
        ...AUTO,
      ),
    ).not.toContain("host");
  }, 30_000);

  test("whoever is in it sees no process that may do more: neither at a start nor at an exec", async () => {
    const { stdout } = await run(
      "--cap-add",
      "SYS_PTRACE",
      "busybox",
      "sh",
      "-c",
      "while :; do cat /proc/[0-9]*/status; done | grep ^Uid | grep -v '\t0\t0\t0\t0'",
    );
    const id = stdout.trim();
    for (let count = 0; count < 10; count++)
      expect((await target.engine.berth(["exec", id, "true"])).code).toBe(0);
    expect((await target.engine.berth(["logs", id])).stdout).toBe("");
    await target.engine.berth(["rm", "-f", id]);
  }, 30_000);

  test("a container outlives the engine, keeps its ids, and nothing is left behind in the end", async () => {
    const id = (await run("busybox", "sleep", "300")).stdout.trim();
    const before = rootOf(await pidOf(id));
    await target.engine.kill();
    await target.engine.start();
    expect(rootOf(await pidOf(id))).toBe(before);
    expect((await target.engine.berth(["exec", id, "id", "-u"])).stdout).toBe("0\n");
    const other = (await run("busybox", "sleep", "300")).stdout.trim();
    expect(Math.abs(rootOf(await pidOf(other)) - before)).toBeGreaterThanOrEqual(65_536);
    await target.engine.berth(["restart", "-t", "0", id]);
    expect(rootOf(await pidOf(id))).toBe(before);
    await target.engine.shutdown();
    expect(await leaks(target.engine.instance, target.engine.place)).toEqual([]);
  }, 40_000);
});
