/**
 * CVE-2025-52565 (runc): /dev/console was bound from /dev/pts/N by name, which the container had replaced. berth takes both ends of the
 * terminal from a pty multiplexer that it has verified, and binds the descriptor.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdir, symlink, writeFile } from "node:fs/promises";
import { Place } from "../oci/bundle.ts";
import { output } from "../support/command.ts";
import { has } from "../support/parts.ts";
import { attack } from "./attacker.ts";
import { Target } from "./hostile.ts";

const ROUNDS = 12;

describe.if(has("root", "busybox"))("the terminal of a container", () => {
  let target: Target;
  beforeAll(async () => {
    target = await Target.start();
  }, 30_000);
  afterAll(() => target[Symbol.asyncDispose](), 30_000);

  /** A directory of a volume for /dev: `console` is what the script makes of it. */
  async function devWith(name: string, make: (path: string) => Promise<void>): Promise<string> {
    const path = `${target.engine.place}/${name}`;
    await mkdir(path);
    await make(path);
    return path;
  }

  test("covers what a link in the place of /dev/console points to, if it is bound by name", async () => {
    const dev = await devWith("naive", (path) => symlink(`${target.outside}/secret`, `${path}/console`));
    const script = `mount --bind /dev/null ${dev}/console; stat -c %F ${target.outside}/secret`;
    const said = await output(["unshare", "--mount", "--propagation", "private", "sh", "-c", script]);
    expect(said).toBe("character special file\n");
  });

  test.each([
    [
      "a link to a file of the host",
      (path: string) => symlink(`${target.outside}/secret`, `${path}/console`),
    ],
    [
      "a link that climbs",
      (path: string) => symlink(`../../../../../../..${target.outside}/secret`, `${path}/console`),
    ],
    ["a link to a kernel file", (path: string) => symlink("/proc/sysrq-trigger", `${path}/console`)],
    ["a file", (path: string) => writeFile(`${path}/console`, "")],
    ["a directory", (path: string) => mkdir(`${path}/console`)],
  ])(
    "is bound inside of the root, or not at all, where a volume's /dev/console is %s",
    async (what, make) => {
      const dev = await devWith(`dev-${what.replaceAll(" ", "-")}`, make);
      const { code, stdout } = await target.run(
        "-t",
        "-v",
        `${dev}:/dev`,
        "busybox",
        "sh",
        "-c",
        "echo started",
      );
      expect([0, 125]).toContain(code);
      expect(stdout).toBe(code === 0 ? "started\r\n" : "");
      await target.isUnharmed();
    },
    30_000,
  );

  test.if(has("script"))(
    "is bound over no file of /proc that an image's /dev/console leads to",
    async () => {
      await using place = await Place.make();
      const dev = `${place.path}/rootfs/dev`;
      await output(["sh", "-c", `mkdir -p ${dev}; ln -sf /proc/sys/kernel/hostname ${dev}/console`]);
      await place.configure("echo started", (config) => {
        config.process.terminal = true;
        config.root.readonly = false;
        config.mounts = config.mounts.filter(({ destination }) =>
          /^.(proc|dev.pts)$/.test(String(destination)),
        );
      });
      const run = `cd ${place.bundle(place.berth)}; ${place.berth} --root ${place.state(place.berth)} run c1 || true`;
      const said = await output(["script", "-qec", run, "/dev/null"]);
      expect(said).toContain("cannot be mounted because it is inside /proc");
      expect(said).not.toContain("started");
    },
    30_000,
  );

  test("is its own for each exec, whatever the container puts in the place of /dev/console, /dev/ptmx and /dev/tty", async () => {
    const script = `rm -f /dev/ptmx /dev/tty; ln -s ${target.outside}/secret /dev/console; ln -s /proc/sysrq-trigger /dev/trap; ln -s pts/ptmx /dev/ptmx; exec /attacker swap /dev/ptmx /dev/trap`;
    const id = await attack(target, script);
    for (let count = 0; count < ROUNDS; count++) {
      const { code, stdout } = await target.engine.berth(["exec", "-t", id, "tty"]);
      expect({ code, stdout }).toEqual({ code: 0, stdout: "/dev/pts/0\r\n" });
    }
    await target.engine.berth(["rm", "-f", id]);
    await target.isUnharmed();
  }, 60_000);

  test("is not the one of whoever started it: no descriptor of a pty from outside is in there", async () => {
    const { stdout } = await target.run(
      "-t",
      "busybox",
      "sh",
      "-c",
      "tty; ls /dev/pts; for n in 0 1 2; do readlink /proc/self/fd/$n; done",
    );
    expect(stdout.trim().split(/\s+/)).toEqual(["/dev/pts/0", "0", "ptmx", ...Array(3).fill("/dev/pts/0")]);
  }, 30_000);
});
