/** containerd with berth as its runtime, through its own client. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { leaks } from "../support/leaks.ts";
import { has } from "../support/parts.ts";
import { PERFORMERS, Place, removeEmptyGroups } from "./bundle.ts";
import { Containerd } from "./containerd.ts";
import { hierarchiesAreMounted } from "./hierarchies.ts";

const here = has("root", "busybox", "ctr");
describe.each(PERFORMERS)("performed by $by", ({ engine }) => {
  let place: Place;
  let containerd: Containerd;

  beforeAll(async () => {
    if (!here) return;
    place = await Place.make({ engine });
    containerd = await Containerd.open(`${place.path}/containerd`, place.env);
  }, 60_000);
  afterAll(async () => {
    if (!here) return;
    await containerd[Symbol.asyncDispose]();
    await removeEmptyGroups("default");
    await place.engine?.terminate();
    const left = await leaks("berth-oci-test", place.path);
    await place[Symbol.asyncDispose]();
    expect(left).toEqual([]);
  }, 60_000);

  const run = (flags: readonly string[], id: string, ...argv: readonly string[]) =>
    containerd.ctr(
      "run",
      ...flags,
      "--runc-binary",
      place.berth,
      "--runc-root",
      `${place.path}/runc`,
      "--env",
      "PATH=/bin",
      "--rootfs",
      `${place.path}/rootfs`,
      id,
      ...argv,
    );

  test.if(here)("ctr run: output and exit code", async () => {
    expect(await run(["--rm"], "once", "sh", "-c", "echo out; exit 5")).toMatchObject({
      stdout: "out\n",
      code: 5,
    });
  });

  test.if(here)("ctr run of a program that is not there", async () => {
    const { stderr, code } = await run(["--rm"], "absent", "nope");
    expect(stderr).toContain('exec: "nope": executable file not found in $PATH');
    expect(code).not.toBe(0);
  });

  test.if(here)("tasks: exec, metrics, pause, resume, kill, delete", async () => {
    expect(await run(["--detach"], "long", "sleep", "1000")).toMatchObject({ code: 0 });
    const task = (...words: readonly string[]) => containerd.ctr("tasks", ...words);
    const status = async () => /^long +\d+ +(\w+)/m.exec((await task("list")).stdout)?.[1];
    expect(await status()).toBe("RUNNING");
    expect(await task("exec", "--exec-id", "e1", "long", "/bin/sh", "-c", "id -u; exit 6")).toMatchObject({
      stdout: "0\n",
      code: 6,
    });
    if (hierarchiesAreMounted())
      expect((await task("metrics", "long")).stdout).toMatch(/^pids\.current +[1-9]/m);
    expect((await task("pause", "long")).code).toBe(0);
    expect(await status()).toBe("PAUSED");
    expect((await task("resume", "long")).code).toBe(0);
    expect((await task("kill", "--signal", "SIGKILL", "long")).code).toBe(0);
    const deadline = Date.now() + 10_000;
    while ((await status()) !== "STOPPED" && Date.now() < deadline) await Bun.sleep(10);
    expect((await task("delete", "long")).stderr).toContain("137");
    expect((await containerd.ctr("containers", "delete", "long")).code).toBe(0);
  });
});
