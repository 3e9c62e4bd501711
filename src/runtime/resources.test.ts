import { afterAll, describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import type { CgroupLayout } from "../kernel/cgroup-layout.ts";
import { cgroupStats } from "../kernel/cgroup-stats.ts";
import { mergeResources, updateCgroup } from "../kernel/cgroup-update.ts";
import { controllerPlace, prepareCgroupParent } from "../kernel/cgroups.ts";
import { networkStats } from "../kernel/network-stats.ts";
import { run } from "../kernel/spawn.ts";
import type { ProcessHandle } from "./runtime.ts";
import type { BlockResources, DeviceRule, MemoryResources, Resources } from "./spec.ts";
import { missingForContainers, Testbed } from "./testbed.ts";

const missing = missingForContainers();
if (missing !== undefined) console.log(`skipped: limits of real containers: ${missing}`);
const MiB = 1 << 20;

describe.skipIf(missing !== undefined)("limits", () => {
  const bed = missing === undefined ? new Testbed() : (undefined as never);
  const layout = bed?.features.cgroups;
  afterAll(() => bed?.[Symbol.asyncDispose]());

  /** A file of the group in whichever hierarchy its controller is. */
  const fileOf = (
    group: string,
    controller: string,
    names: { v1: string; v2: string },
    where: CgroupLayout = layout,
  ) => {
    const place = controllerPlace(where, controller);
    const directory = place === "v1" ? where.v1[controller] : where.v2?.mountpoint;
    return readFileSync(`${directory}${group}/${names[place ?? "v1"]}`, "utf8").trim();
  };

  async function running(
    resources: Resources,
    work: (group: string, handle: ProcessHandle) => void | Promise<void>,
  ): Promise<void> {
    const launch = bed.launch(["sleep", "60"], { resources });
    const handle = await bed.runtime.create(launch);
    try {
      await handle.start();
      await work(launch.spec.linux.cgroupsPath ?? "", handle);
    } finally {
      await handle.release();
    }
  }

  test.each<[string, Resources, string, { v1: string; v2: string }, string, string]>([
    [
      "memory.limit",
      { memory: { limit: 64 * MiB } },
      "memory",
      { v1: "memory.limit_in_bytes", v2: "memory.max" },
      "67108864",
      "67108864",
    ],
    [
      "memory.swap",
      { memory: { limit: 64 * MiB, swap: 96 * MiB } },
      "memory",
      { v1: "memory.memsw.limit_in_bytes", v2: "memory.swap.max" },
      "100663296",
      "33554432",
    ],
    [
      "memory.reservation",
      { memory: { reservation: 32 * MiB } },
      "memory",
      { v1: "memory.soft_limit_in_bytes", v2: "memory.low" },
      "33554432",
      "33554432",
    ],
    ["cpu.shares", { cpu: { shares: 512 } }, "cpu", { v1: "cpu.shares", v2: "cpu.weight" }, "512", "59"],
    [
      "cpu.quota and cpu.period",
      { cpu: { quota: 20_000, period: 50_000 } },
      "cpu",
      { v1: "cpu.cfs_quota_us", v2: "cpu.max" },
      "20000",
      "20000 50000",
    ],
    [
      "cpu.burst",
      { cpu: { quota: 20_000, period: 50_000, burst: 10_000 } },
      "cpu",
      { v1: "cpu.cfs_burst_us", v2: "cpu.max.burst" },
      "10000",
      "10000",
    ],
    ["cpu.idle", { cpu: { idle: 1 } }, "cpu", { v1: "cpu.idle", v2: "cpu.idle" }, "1", "1"],
    ["cpu.cpus", { cpu: { cpus: "0" } }, "cpuset", { v1: "cpuset.cpus", v2: "cpuset.cpus" }, "0", "0"],
    ["cpu.mems", { cpu: { mems: "0" } }, "cpuset", { v1: "cpuset.mems", v2: "cpuset.mems" }, "0", "0"],
    ["pids.limit", { pids: { limit: 77 } }, "pids", { v1: "pids.max", v2: "pids.max" }, "77", "77"],
    [
      "hugepageLimits",
      { hugepageLimits: [{ pageSize: "2MB", limit: 4 * MiB }] },
      "hugetlb",
      { v1: "hugetlb.2MB.limit_in_bytes", v2: "hugetlb.2MB.max" },
      "4194304",
      "4194304",
    ],
    [
      "hugepageLimits, also what is reserved only",
      { hugepageLimits: [{ pageSize: "2MB", limit: 4 * MiB }] },
      "hugetlb",
      { v1: "hugetlb.2MB.rsvd.limit_in_bytes", v2: "hugetlb.2MB.rsvd.max" },
      "4194304",
      "4194304",
    ],
  ])(
    "%s of a container is what its control group keeps",
    async (_, resources, controller, names, one, two) => {
      const expected = controllerPlace(layout, controller) === "v1" ? one : two;
      await running(resources, (group) => expect(fileOf(group, controller, names)).toBe(expected));
    },
  );

  const memoryOne = controllerPlace(layout ?? none, "memory") === "v1";
  test.skipIf(!memoryOne).each<[string, MemoryResources, string, string]>([
    ["swappiness", { swappiness: 7 }, "memory.swappiness", "7"],
    [
      "disableOOMKiller",
      { limit: 64 * MiB, disableOOMKiller: true },
      "memory.oom_control",
      "oom_kill_disable 1\nunder_oom 0\noom_kill 0",
    ],
    ["kernelTCP", { kernelTCP: 8 * MiB }, "memory.kmem.tcp.limit_in_bytes", "8388608"],
    [
      "limit -1, that of swap with it",
      { limit: -1 },
      "memory.memsw.limit_in_bytes",
      String(9_223_372_036_854_771_712n),
    ],
  ])("memory.%s, which only version 1 has, is kept there", async (_, memory, file, expected) => {
    await running({ memory }, (group) =>
      expect(fileOf(group, "memory", { v1: file, v2: "" })).toBe(expected),
    );
  });

  test.skipIf(controllerPlace(layout ?? none, "cpu") !== "v1")(
    "cpu.realtimePeriod and cpu.realtimeRuntime are kept where the group above has as much",
    async () => {
      const directory = `${layout.v1["cpu"]}/${bed.instance}`;
      prepareCgroupParent(layout, `/${bed.instance}`);
      writeFileSync(`${directory}/cpu.rt_runtime_us`, "20000");
      await running({ cpu: { realtimePeriod: 500_000, realtimeRuntime: 5000 } }, (group) => {
        const value = (name: string) => readFileSync(`${layout.v1["cpu"]}${group}/${name}`, "utf8").trim();
        expect([value("cpu.rt_period_us"), value("cpu.rt_runtime_us")]).toEqual(["500000", "5000"]);
      });
    },
  );

  const [disk] = existsSync("/sys/block") ? readdirSync("/sys/block") : [];
  const device = () => {
    const [major = 0, minor = 0] = readFileSync(`/sys/block/${disk}/dev`, "utf8").split(":").map(Number);
    return { major, minor };
  };
  test.skipIf(disk === undefined).each<[keyof BlockResources, string, string]>([
    ["throttleReadBpsDevice", "blkio.throttle.read_bps_device", "rbps"],
    ["throttleWriteBpsDevice", "blkio.throttle.write_bps_device", "wbps"],
    ["throttleReadIOPSDevice", "blkio.throttle.read_iops_device", "riops"],
    ["throttleWriteIOPSDevice", "blkio.throttle.write_iops_device", "wiops"],
  ])("blockIO.%s slows a device down", async (field, one, two) => {
    const { major, minor } = device();
    const resources = { blockIO: { [field]: [{ major, minor, rate: 4096 }] } };
    const expected = controllerPlace(layout, "blkio") === "v1" ? `${major}:${minor} 4096` : `${two}=4096`;
    await running(resources, (group) =>
      expect(fileOf(group, "blkio", { v1: one, v2: "io.max" })).toContain(expected),
    );
  });

  test.skipIf(disk === undefined)("devices may be opened as the last rule that names them says", async () => {
    const { major, minor } = device();
    const rule = (allow: boolean, access: string): DeviceRule => ({ allow, type: "b", major, minor, access });
    const look = `busybox mknod /dev/d b ${major} ${minor}; head -c 0 /dev/d 2>&1 && echo read; : 2>&1 >>/dev/d && echo written`;
    const opens = async (...rules: DeviceRule[]) =>
      (
        await bed.run(["sh", "-c", look], { resources: { devices: [{ allow: false }, ...rules] } })
      ).output.match(/^(read|written)$/gm) ?? [];
    expect(await opens()).toEqual([]);
    expect(await opens(rule(true, "r"))).toEqual(["read"]);
    expect(await opens(rule(true, "rw"))).toEqual(["read", "written"]);
    expect(await opens(rule(true, "rw"), rule(false, "w"))).toEqual(["read"]);
    expect(await opens({ allow: true, type: "b", access: "r" })).toEqual(["read"]);
  });

  test("blockIO.weight and blockIO.weightDevice are kept by an I/O scheduler that knows them; without one they are a warning", async () => {
    const weightDevice = disk === undefined ? [] : [{ ...device(), weight: 300 }];
    await running({ blockIO: { weight: 200, weightDevice } }, (group, { warnings }) => {
      const path = `${layout.v1["blkio"] ?? layout.v2?.mountpoint}${group}`;
      const [file, weight] =
        Object.entries(WEIGHT_FILES).find(([name]) => existsSync(`${path}/${name}`)) ?? [];
      if (file === undefined) expect(warnings.length).toBeGreaterThan(0);
      else expect(readFileSync(`${path}/${file}`, "utf8")).toContain(weight ?? "");
    });
  });

  test.skipIf(layout?.v2?.controllers.includes("hugetlb") !== true)(
    "unified are files of the version 2 group, as they are",
    async () => {
      await running({ unified: { "hugetlb.2MB.max": "2097152" } }, (group) =>
        expect(readFileSync(`${layout.v2?.mountpoint}${group}/hugetlb.2MB.max`, "utf8")).toBe("2097152\n"),
      );
    },
  );

  test.skipIf(!knows("net_cls") || !knows("net_prio"))(
    "network.classID and network.priorities are kept where version 1 has their controllers",
    async () => {
      // Who looks meanwhile what this machine has mounted shall not find what is there for a moment.
      const alone = ["--mount", "--propagation", "private", process.execPath];
      const options = { debianPackage: "util-linux" };
      const printed = await run("unshare", [...alone, `${import.meta.dir}/network-groups.ts`], options);
      const { group, groups, ...found } = JSON.parse(Buffer.from(printed).toString()) as NetworkGroups;
      expect(found).toEqual({
        classID: String(0x10_0001),
        priorities: expect.stringMatching(/^lo 5$/m),
      });
      expect(groups).toContain(`net_prio:${group}`);
    },
    30_000,
  );

  test.each<[string, Resources, string]>([
    ["memory.kernel", { memory: { kernel: MiB } }, "kernel memory cannot be limited apart"],
    [
      "memory.useHierarchy that is false",
      { memory: { useHierarchy: false } },
      "memory is always counted with that of the groups below",
    ],
    [
      "memory.swappiness beyond 100",
      { memory: { swappiness: 101 } },
      "memory swappiness is 0 to 100, not 101",
    ],
    ["blockIO.leafWeight", { blockIO: { leafWeight: 100 } }, "block devices have no leaf weights"],
    [
      "blockIO.weightDevice.leafWeight",
      { blockIO: { weightDevice: [{ major: 8, minor: 0, leafWeight: 100 }] } },
      "block devices have no leaf weights",
    ],
    [
      "blockIO.weight out of range",
      { blockIO: { weight: 5 } },
      "a weight of block devices is 10 to 1000, not 5",
    ],
    [
      "a size of huge pages that is none",
      { hugepageLimits: [{ pageSize: "../x", limit: 1 }] },
      '"../x" is no size of huge pages',
    ],
    [
      "a name with a space in it",
      { network: { priorities: [{ name: "a b", priority: 1 }] } },
      '"a b" is no name of an interface',
    ],
    [
      "an unknown type of devices",
      { devices: [{ allow: true, type: "x" as "c" }] },
      '"x" is no type of devices',
    ],
    [
      "an unknown access to devices",
      { devices: [{ allow: true, type: "c", access: "rx" }] },
      '"rx" is no access to devices',
    ],
    [
      "rdma without its controller or its device",
      { rdma: { mlx5_0: { hcaHandles: 2 } } },
      layout?.v2?.controllers.includes("rdma")
        ? 'rdma.max": no such device'
        : 'cannot limit RDMA resources: the cgroup controller "rdma" is not mounted',
    ],
    [
      "a limit of memory that is none",
      { memory: { limit: 100 * MiB, swap: 50 * MiB } },
      memoryOne ? "memory.memsw.limit_in_bytes" : "is below that for memory",
    ],
    ["CPUs that are not there", { cpu: { cpus: "4000" } }, 'cpuset.cpus": '],
    ["a quota below the least", { cpu: { quota: 5 } }, 'cpu": '.slice(0, 3)],
  ])("%s is refused, and nothing is left", async (_, resources, words) => {
    const launch = bed.launch(["true"], { resources });
    await expect(
      bed.runtime.create(launch).then((handle) => handle.start().finally(() => handle.release())),
    ).rejects.toThrow(words);
    expect(existsSync(launch.supervision.runDirectory)).toBe(false);
  });

  const limits = (group: string) => [
    fileOf(group, "memory", { v1: "memory.limit_in_bytes", v2: "memory.max" }),
    fileOf(group, "cpu", { v1: "cpu.cfs_quota_us", v2: "cpu.max" }),
    fileOf(group, "pids", { v1: "pids.max", v2: "pids.max" }),
  ];

  test("an update raises and lowers limits of what runs, whichever may not exceed the other", async () => {
    const first: Resources = {
      memory: { limit: 64 * MiB, swap: 64 * MiB },
      cpu: { quota: 20_000, period: 50_000 },
      pids: { limit: 50 },
    };
    await running(first, (group) => {
      const higher = mergeResources(first, {
        memory: { limit: 256 * MiB, swap: 512 * MiB },
        cpu: { quota: 50_000 },
        pids: { limit: 90 },
      });
      updateCgroup(layout, group, higher);
      expect(limits(group)).toEqual(["268435456", expect.stringMatching(/^50000( 50000)?$/), "90"]);
      updateCgroup(
        layout,
        group,
        mergeResources(higher, { memory: { limit: 32 * MiB, swap: 32 * MiB }, pids: { limit: -1 } }),
      );
      expect(limits(group)).toEqual(["33554432", expect.stringMatching(/^50000( 50000)?$/), "max"]);
    });
  });

  test("an update that the kernel refuses in part changes nothing", async () => {
    const first: Resources = { memory: { limit: 64 * MiB, swap: 64 * MiB }, pids: { limit: 50 } };
    await running(first, (group) => {
      const before = limits(group);
      const wrong = mergeResources(first, {
        memory: { limit: 48 * MiB, swap: 48 * MiB },
        pids: { limit: 60 },
        cpu: { cpus: "4000" },
      });
      expect(() => updateCgroup(layout, group, wrong)).toThrow(/write "4000" to ".*cpuset.cpus"/);
      expect(limits(group)).toEqual(before);
    });
  });

  test("an update to less memory than is in use is refused before anything is written, where that is asked for", async () => {
    await running({ memory: { limit: 64 * MiB } }, (group) => {
      const wish = { memory: { limit: 4096, checkBeforeUpdate: true } };
      expect(() => updateCgroup(layout, group, wish)).toThrow(
        /^memory cannot be limited to 4096 bytes: \d+ are in use$/,
      );
      expect(limits(group)[0]).toBe("67108864");
    });
  });

  test("what it uses is counted: time, memory, processes, interfaces", async () => {
    await running({ memory: { limit: 64 * MiB }, pids: { limit: 50 } }, (group, { pid }) => {
      const stats = cgroupStats(layout, group);
      expect(stats.pids).toEqual({ current: 1, limit: 50 });
      expect(stats.memory).toMatchObject({ limit: 64 * MiB, oomKills: 0 });
      expect(stats.memory?.usage).toBeGreaterThan(0);
      expect(stats.cpu?.totalNs).toBeGreaterThan(0);
      expect(Object.keys(stats.hugetlb ?? {}).length).toBeGreaterThan(0);
      expect(networkStats(pid)).toEqual([]); // it has but a loopback device
    });
  });
});

const none: CgroupLayout = { mode: "none", hierarchies: [], v1: {}, swapAccounting: false };

function knows(controller: string): boolean {
  if (missing !== undefined || readFileSync("/proc/cmdline", "utf8").includes("cgroup_no_v1=")) return false;
  return new RegExp(`^${controller}\\t`, "m").test(readFileSync("/proc/cgroups", "utf8"));
}

/** What a weight of 200 is in each. */
const WEIGHT_FILES = { "blkio.bfq.weight": "200", "io.bfq.weight": "200", "io.weight": "1920" };

/** What network-groups.ts prints. */
interface NetworkGroups {
  readonly classID: string;
  readonly priorities: string;
  readonly group: string;
  readonly groups: string;
}
