/**
 * CVE-2019-16884, CVE-2019-19921, CVE-2025-52881 (runc): what the runtime writes to /proc (labels, sysctls, scores) went into a file of
 * the image's, or into another file of /proc, because something was mounted there. berth writes through a procfs of its own.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { output } from "../support/command.ts";
import { has } from "../support/parts.ts";
import { Revolving } from "./attacker.ts";
import { scratch, Target } from "./hostile.ts";

describe.if(has("root", "busybox"))("what the runtime writes to /proc", () => {
  let target: Target;
  let source: string;
  beforeAll(async () => {
    target = await Target.start();
    source = await scratch(target, "source");
    await mkdir(`${source}/net/ipv4`, { recursive: true });
    await writeFile(`${source}/net/ipv4/ip_default_ttl`, "untouched\n");
    await writeFile(`${source}/oom_score_adj`, "untouched\n");
  }, 30_000);
  afterAll(() => target[Symbol.asyncDispose](), 30_000);

  async function isUntouched(): Promise<void> {
    for (const name of ["net/ipv4/ip_default_ttl", "oom_score_adj"])
      expect(await readFile(`${source}/${name}`, "utf8")).toBe("untouched\n");
  }

  test("goes where something else is mounted, if it is named by its path", async () => {
    const script = `mount --bind ${source} /proc/sys; echo 33 >/proc/sys/net/ipv4/ip_default_ttl; cat ${source}/net/ipv4/ip_default_ttl`;
    const own = ["unshare", "--mount", "--net", "--propagation", "private", "sh", "-c", script];
    expect(await output(own)).toBe("33\n");
    await writeFile(`${source}/net/ipv4/ip_default_ttl`, "untouched\n");
  });

  test.each([
    ["a link to /proc", "ln -s /proc data", "/data"],
    ["a link to /proc/sys", "ln -s /proc/sys data", "/data"],
    ["a link into /proc", "ln -s /proc data", "/data/sys"],
    ["a link to a process", "ln -s /proc data", "/data/self"],
    ["a link with a name that begins as /proc does", "ln -s /proc processes", "/processes"],
    ["two links", "ln -s /proc one; ln -s /one/sys data", "/data"],
    ["a link that climbs", "ln -s ../../../proc/sys data", "/data"],
  ])(
    "is not put to the test: a volume whose target is %s is refused",
    async (what, sh, destination) => {
      const tag = `proc-${what.replaceAll(/\W+/g, "-")}`;
      await target.image(tag, { sh });
      const flags = ["--sysctl", "net.ipv4.ip_default_ttl=33", "--oom-score-adj", "500"];
      const { code, stdout } = await target.run(
        "-v",
        `${source}:${destination}`,
        ...flags,
        tag,
        "sh",
        "-c",
        "echo started",
      );
      expect({ code, stdout }).toEqual({ code: 125, stdout: "" });
      await isUntouched();
      await target.isUnharmed();
    },
    30_000,
  );

  test("reaches the kernel while the target changes all the time", async () => {
    await using shared = await Revolving.start(target, "v");
    for (let count = 0; count < 10; count++) {
      const flags = [
        "-v",
        `${shared.volume}:/data`,
        "-v",
        `${source}:/data/door/x`,
        "--sysctl",
        "net.ipv4.ip_default_ttl=33",
      ];
      const { code, stdout } = await target.run(
        ...flags,
        "busybox",
        "cat",
        "/proc/sys/net/ipv4/ip_default_ttl",
      );
      if (code === 0) expect(stdout).toBe("33\n");
      await isUntouched();
    }
    expect(await readdir(target.outside)).toEqual(["secret"]);
  }, 60_000);

  test("reaches the kernel in an exec, whatever the container has mounted over its /proc", async () => {
    const cover =
      "mount -t tmpfs none /proc; mkdir /proc/self; echo untouched >/proc/self/oom_score_adj; echo ready; exec sleep 100";
    const { stdout: id } = await target.engine.berth([
      "run",
      "-d",
      "--network",
      "none",
      "--oom-score-adj",
      "500",
      "--cap-add",
      "SYS_ADMIN",
      "busybox",
      "sh",
      "-c",
      cover,
    ]);
    while (!(await target.engine.berth(["logs", id.trim()])).stdout.includes("ready"));
    const { stdout } = await target.engine.berth(["exec", id.trim(), "cat", "/proc/self/oom_score_adj"]);
    expect(stdout).toBe("untouched\n");
    await target.engine.berth(["rm", "-f", id.trim()]);
  }, 30_000);
});
