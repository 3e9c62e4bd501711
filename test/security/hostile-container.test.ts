/** An exec, a cp or a stop of a container that has replaced everything it can reach: they end, and nothing of the host is touched. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { statSync } from "node:fs";
import { has } from "../support/parts.ts";
import { attack, said } from "./attacker.ts";
import { SECRET, Target } from "./hostile.ts";

const REPLACED: readonly [string, string][] = [
  ["no /dev/null", "rm /dev/null"],
  ["a FIFO for /dev/null", "rm /dev/null; mkfifo /dev/null"],
  ["a directory for /dev/null", "rm /dev/null; mkdir /dev/null"],
  ["another device for /dev/null", "rm /dev/null; mknod /dev/null c 1 7"],
  ["a terminal for /dev/null", "rm /dev/null; mknod /dev/null c 5 0"],
  ["a link to the host for /dev/null", "rm /dev/null; ln -s OUTSIDE/secret /dev/null"],
  ["a link to the shim for /dev/null", "rm /dev/null; ln -s /proc/self/exe /dev/null"],
  ["a FIFO for /dev/ptmx and /dev/tty", "rm /dev/ptmx /dev/tty; mkfifo /dev/ptmx /dev/tty"],
  [
    "links to the host for /dev/ptmx and /dev/tty",
    "for e in ptmx tty; do rm /dev/$e; ln -s OUTSIDE/secret /dev/$e; done",
  ],
  ["a link to a kernel file for /dev/console", "rm -f /dev/console; ln -s /proc/sysrq-trigger /dev/console"],
  ["a link to nowhere for /etc", "rm -rf /etc/* 2>/dev/null; mv /etc /old; ln -s /dev/zero /etc"],
  ["a link to the host for /tmp", "rmdir /tmp; ln -s OUTSIDE /tmp"],
  ["no file systems of the kernel's", "umount -l /proc; umount -l /sys; rm -rf /dev/*"],
  [
    "a file system of its own over /proc",
    "mount -t tmpfs none /proc; mkdir -p /proc/self/fd /proc/1; echo x >/proc/self/oom_score_adj",
  ],
  [
    "a file system of its own over /dev and /dev/pts",
    "mount -t tmpfs none /dev; mkdir /dev/pts; ln -s OUTSIDE/secret /dev/pts/ptmx",
  ],
];

describe.if(has("root", "busybox"))("a container that has put", () => {
  let target: Target;
  beforeAll(async () => {
    target = await Target.start();
  }, 30_000);
  afterAll(() => target[Symbol.asyncDispose](), 30_000);

  /** May mount, where the case needs it: that is more than it has by default. */
  async function prepared(script: string): Promise<string> {
    const mounts = /mount/.test(script)
      ? ["--cap-add", "SYS_ADMIN", "--security-opt", "systempaths=unconfined"]
      : [];
    const text = `(${script.replaceAll("OUTSIDE", target.outside)}); echo ready; exec sleep 300`;
    const { stdout: id, stderr } = await target.engine.berth([
      "run",
      "-d",
      "--network",
      "none",
      ...mounts,
      "busybox",
      "sh",
      "-c",
      text,
    ]);
    if (id === "") throw new Error(stderr);
    await said(target, id.trim(), "ready");
    return id.trim();
  }

  test.each([...REPLACED])(
    "%s is one that others can still enter, or are told why not",
    async (_, script) => {
      const null_ = statSync("/dev/null");
      const id = await prepared(script);
      const { berth } = target.engine;
      for (const flags of [[], ["-t"], ["-d"], ["-u", "1000"], ["-w", "/tmp"]]) {
        const { stderr, stdout } = await berth.call(
          target.engine,
          ["exec", ...flags, id, "echo", "entered"],
          { timeoutMs: 10_000 },
        );
        expect(stderr).not.toContain("time limit");
        expect(stdout).not.toContain(SECRET);
      }
      for (const words of [
        ["cp", `${id}:/etc/passwd`, "-"],
        ["cp", `${id}:/dev/null`, "-"],
        ["top", id],
        ["diff", id],
        ["stop", "-t", "0", id],
      ]) {
        const { stderr, stdout } = await berth.call(target.engine, words, { timeoutMs: 10_000 });
        expect(stderr).not.toContain("time limit");
        expect(stdout).not.toContain(SECRET);
      }
      await berth.call(target.engine, ["rm", "-f", id]);
      expect(statSync("/dev/null")).toMatchObject({ mode: null_.mode, uid: null_.uid, rdev: null_.rdev });
      await target.isUnharmed();
    },
    60_000,
  );

  test("a link in the place of a device, again and again, while others enter", async () => {
    const racing = await attack(
      target,
      "ln -s /proc/self/exe /dev/trap; exec /attacker swap /dev/null /dev/trap",
    );
    for (let count = 0; count < 15; count++) {
      const { code } = await target.engine.berth(["exec", racing, "true"], { timeoutMs: 10_000 });
      expect(code).toBe(0);
    }
    await target.engine.berth(["rm", "-f", racing]);
    await target.isUnharmed();
  }, 60_000);
});
