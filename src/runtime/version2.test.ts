import { afterAll, describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { removeCgroup } from "../kernel/cgroups.ts";
import { type Features, probeFeatures } from "../kernel/features.ts";
import { defaultSpec } from "./defaults.ts";
import type { Spec } from "./spec.ts";
import { missingForContainers, Testbed, textOf } from "./testbed.ts";

/** This machine as if it had nothing but cgroup version 2: what needs no controller works the same in hybrid mode. */
function version2(): Features | undefined {
  const features = probeFeatures();
  const { v2 } = features.cgroups;
  return v2 && { ...features, cgroups: { mode: "v2", hierarchies: [], v1: {}, v2, swapAccounting: false } };
}

const features = version2();
const missing =
  missingForContainers() ?? (features === undefined ? "no cgroup version 2 is mounted" : undefined);
if (missing !== undefined) console.log(`skipped: containers on cgroup version 2: ${missing}`);

describe.skipIf(missing !== undefined)("on cgroup version 2", () => {
  const bed =
    missing === undefined
      ? new Testbed({ ...(features && { features }), instance: `brt2-${process.pid}` })
      : (undefined as never);
  afterAll(() => bed?.[Symbol.asyncDispose]());
  const own: Partial<Spec["linux"]> = { namespaces: [...defaultSpec().namespaces, { type: "cgroup" }] };

  test("a process is born in its group, which is the root of what it sees", async () => {
    const { output } = await bed.run(
      ["sh", "-c", "cat /proc/self/cgroup; ls /sys/fs/cgroup; grep /sys/fs/cgroup /proc/mounts"],
      {
        linux: own,
      },
    );
    expect(output).toContain("0::/\n");
    expect(output).toContain("cgroup.procs\n");
    expect(output).toMatch(/ \/sys\/fs\/cgroup cgroup2 ro,/);
  });

  test("a program rules the devices: null opens, a disk does not, and making its node is allowed", async () => {
    const devices = [{ type: "b", path: "/dev/disk", major: 254, minor: 0 }] as const;
    const script =
      "echo x >/dev/null && echo null; head -c 1 /dev/urandom >/dev/null && echo random; head -c 1 /dev/disk";
    const { output } = await bed.run(["sh", "-c", script], { linux: { ...own, devices } });
    expect(output).toContain("null\nrandom\n");
    expect(output).toContain("/dev/disk: Operation not permitted");
  });

  test("the whole group is frozen, thawed and killed", async () => {
    const launch = bed.launch(["sh", "-c", "sleep 60 & sleep 60 & read line; echo $line; sleep 60"], {
      linux: own,
      supervision: { openStdin: true, stdinOnce: true },
    });
    const handle = await bed.runtime.create(launch);
    const stream = await handle.attach({ stdin: true, stdout: true, stderr: true });
    await handle.start();
    await bed.runtime.pause(launch.id);
    await bed.runtime.unpause(launch.id);
    await stream.write(Buffer.from("on\n"));
    await bed.runtime.pause(launch.id);
    await handle.release();
    expect(await handle.exited).toMatchObject({ exitCode: 137 });
    expect(await textOf(stream.output)).toBeString();
    expect(existsSync(`${features?.cgroups.v2?.mountpoint}${launch.spec.linux.cgroupsPath}`)).toBe(false);
  });

  test("an exec is born in the container's group", async () => {
    const launch = bed.launch(["sleep", "60"], { linux: own });
    const handle = await bed.runtime.create(launch);
    await handle.start();
    const exec = await bed.runtime.exec(bed.exec(launch, handle, ["cat", "/proc/self/cgroup"]));
    const stream = await exec.attach({ stdin: false, stdout: true, stderr: true });
    await exec.start();
    expect(await textOf(stream.output)).toContain("0::/\n");
    await exec.release();
    await handle.release();
  });

  test("the parent of the groups comes back when somebody has removed it", async () => {
    await removeCgroup(bed.features.cgroups, `/${bed.instance}`);
    expect(await bed.run(["true"], { linux: own })).toMatchObject({ exitCode: 0 });
  });

  const hasMemory = features?.cgroups.v2?.controllers.includes("memory") === true;
  test.if(!hasMemory)("a limit of a controller that is not there is refused by its name", async () => {
    const launch = bed.launch(["true"], { linux: own, resources: { memory: { limit: 1 << 20 } } });
    await expect(bed.runtime.create(launch)).rejects.toThrow('the cgroup controller "memory" is not mounted');
    expect(existsSync(launch.supervision.runDirectory)).toBe(false);
  });
});
