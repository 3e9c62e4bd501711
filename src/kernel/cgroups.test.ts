import { describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync, rmdirSync } from "node:fs";
import { type CgroupLayout, parseCgroupLayout } from "./cgroup-layout.ts";
import { weightOfShares } from "./cgroup-v2.ts";
import { freeze, listCgroups, planCgroup, prepareCgroupParent, processes, removeCgroup } from "./cgroups.ts";
import { attachDeviceProgram, deviceProgram } from "./device-program.ts";
import { probeFeatures } from "./features.ts";

const V1 = ["cpu,cpuacct", "cpuset", "memory", "devices", "freezer", "blkio", "pids", "name=systemd"];
const v1Lines = V1.map((options, index) => {
  const name = options === "name=systemd" ? "systemd" : options;
  return `${30 + index} 25 0:${26 + index} / /sys/fs/cgroup/${name} rw,nosuid - cgroup cgroup rw,xattr,${options}`;
});
const mountinfo = (lines: readonly string[]) =>
  ["22 27 0:21 / /proc rw - proc proc rw", ...lines, ""].join("\n");
const v1: CgroupLayout = { ...parseCgroupLayout(mountinfo(v1Lines), ""), swapAccounting: true };
const v2: CgroupLayout = {
  ...parseCgroupLayout(
    mountinfo(["30 25 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw,nsdelegate"]),
    "cpuset cpu io memory hugetlb pids rdma misc\n",
  ),
  swapAccounting: true,
};
const hybrid = parseCgroupLayout(
  mountinfo([...v1Lines, "50 25 0:50 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw"]),
  "hugetlb\n",
);

test("the layout is read for each controller", () => {
  expect(v1).toMatchObject({
    mode: "v1",
    v1: { cpu: "/sys/fs/cgroup/cpu,cpuacct", cpuacct: "/sys/fs/cgroup/cpu,cpuacct" },
  });
  expect(v1.hierarchies.at(-1)).toEqual({ mountpoint: "/sys/fs/cgroup/systemd", options: ["name=systemd"] });
  expect(v2).toMatchObject({ mode: "v2", v1: {}, hierarchies: [], v2: { mountpoint: "/sys/fs/cgroup" } });
  expect(hybrid).toMatchObject({
    mode: "hybrid",
    v2: { mountpoint: "/sys/fs/cgroup/unified", controllers: ["hugetlb"] },
  });
});

const resources = {
  memory: { limit: 64 << 20, swap: 96 << 20, reservation: 32 << 20 },
  cpu: { shares: 512, quota: 50_000, period: 100_000, cpus: "0-1", mems: "0" },
  pids: { limit: 100 },
  blockIO: { weight: 300, throttleReadBpsDevice: [{ major: 8, minor: 0, rate: 1_000_000 }] },
  devices: [
    { allow: false, type: "a", access: "rwm" },
    { allow: true, type: "c", major: 1, minor: 3, access: "rwm" },
    { allow: true, type: "c", major: 136, access: "rw" },
  ],
} as const;
const writes = (layout: CgroupLayout, wanted: Parameters<typeof planCgroup>[2] = resources) =>
  planCgroup(layout, "/berth/c", wanted).writes.map(
    ({ path, data, optional }) => `${path.replace("/sys/fs/cgroup/", "")} ${data}${optional ? " ?" : ""}`,
  );

test("on version 1 the limits are files of their hierarchies; memory before memory and swap, period before quota", () => {
  expect(writes(v1)).toEqual([
    "memory/berth/c/memory.limit_in_bytes 67108864",
    "memory/berth/c/memory.memsw.limit_in_bytes 100663296",
    "memory/berth/c/memory.soft_limit_in_bytes 33554432",
    "cpu,cpuacct/berth/c/cpu.shares 512",
    "cpu,cpuacct/berth/c/cpu.cfs_period_us 100000",
    "cpu,cpuacct/berth/c/cpu.cfs_quota_us 50000",
    "cpuset/berth/c/cpuset.cpus 0-1",
    "cpuset/berth/c/cpuset.mems 0",
    "pids/berth/c/pids.max 100",
    "blkio/berth/c/blkio.weight 300 ?",
    "blkio/berth/c/blkio.bfq.weight 300 ?",
    "blkio/berth/c/blkio.throttle.read_bps_device 8:0 1000000",
    "devices/berth/c/devices.deny a",
    "devices/berth/c/devices.allow c 1:3 rwm",
    "devices/berth/c/devices.allow c 136:* rw",
  ]);
});

test("on version 2 they are files of one directory, in its words", () => {
  expect(writes(v2)).toEqual([
    "berth/c/memory.max 67108864",
    "berth/c/memory.swap.max 33554432 ?",
    "berth/c/memory.low 33554432",
    `berth/c/cpu.weight ${weightOfShares(512)}`,
    "berth/c/cpu.max 50000 100000",
    "berth/c/cpuset.cpus 0-1",
    "berth/c/cpuset.mems 0",
    "berth/c/pids.max 100",
    "berth/c/io.bfq.weight 300 ?",
    "berth/c/io.weight 2930 ?",
    "berth/c/io.max 8:0 rbps=1000000",
  ]);
});

const rare = {
  cpu: { burst: 5000, idle: 1 },
  hugepageLimits: [{ pageSize: "2MB", limit: 4 << 20 }],
  rdma: { mlx5_0: { hcaHandles: 2, hcaObjects: 2000 }, idle: {} },
} as const;

test("what few ask for has its files, too", () => {
  const more = ["net_cls", "net_prio", "hugetlb", "rdma"].map((name) => [name, `/sys/fs/cgroup/${name}`]);
  const all: CgroupLayout = { ...v1, v1: { ...v1.v1, ...Object.fromEntries(more) } };
  const memory = { limit: -1, kernelTCP: 4096, swappiness: 0, disableOOMKiller: true };
  const network = { classID: 7, priorities: [{ name: "eth0", priority: 3 }] };
  expect(writes(all, { ...rare, memory, network })).toEqual([
    "memory/berth/c/memory.limit_in_bytes -1",
    "memory/berth/c/memory.memsw.limit_in_bytes -1",
    "memory/berth/c/memory.kmem.tcp.limit_in_bytes 4096",
    "memory/berth/c/memory.swappiness 0",
    "memory/berth/c/memory.oom_control 1",
    "cpu,cpuacct/berth/c/cpu.idle 1",
    "cpu,cpuacct/berth/c/cpu.cfs_burst_us 5000",
    "hugetlb/berth/c/hugetlb.2MB.limit_in_bytes 4194304",
    "hugetlb/berth/c/hugetlb.2MB.rsvd.limit_in_bytes 4194304 ?",
    "net_cls/berth/c/net_cls.classid 7",
    "net_prio/berth/c/net_prio.ifpriomap eth0 3",
    "rdma/berth/c/rdma.max mlx5_0 hca_handle=2 hca_object=2000",
  ]);
  expect(writes(v2, { ...rare, memory: { limit: -1 } })).toEqual([
    "berth/c/memory.max max",
    "berth/c/memory.swap.max max ?",
    "berth/c/cpu.idle 1",
    "berth/c/cpu.max.burst 5000",
    "berth/c/hugetlb.2MB.max 4194304",
    "berth/c/hugetlb.2MB.rsvd.max 4194304 ?",
    "berth/c/rdma.max mlx5_0 hca_handle=2 hca_object=2000",
  ]);
});

test("0 says nothing, as Go programs write it, and needs no controller", () => {
  const nothing = {
    memory: { limit: 0, swap: 0, reservation: 0, disableOOMKiller: false },
    cpu: { shares: 0, quota: 0, period: 0, cpus: "", realtimePeriod: 0 },
    blockIO: { weight: 0, weightDevice: [], throttleReadBpsDevice: [] },
    network: { classID: 0 },
  };
  for (const layout of [v1, v2]) expect(writes(layout, nothing)).toEqual([]);
  expect(writes({ mode: "none", hierarchies: [], v1: {}, swapAccounting: false }, nothing)).toEqual([]);
});

test("on version 1 the process joins by itself; on version 2 it is born in its group, and a program rules the devices", () => {
  const one = planCgroup(v1, "/berth/c", resources);
  expect(one.v1Tasks).toEqual(one.directories.map((path) => `${path}/tasks`));
  expect([one.v2Directory, one.deviceProgram, one.oomCounterFile]).toEqual([
    undefined,
    undefined,
    "/sys/fs/cgroup/memory/berth/c/memory.oom_control",
  ]);
  const two = planCgroup(v2, "/berth/c", resources);
  expect([two.v1Tasks, two.v2Directory, two.oomCounterFile]).toEqual([
    [],
    "/sys/fs/cgroup/berth/c",
    "/sys/fs/cgroup/berth/c/memory.events",
  ]);
  expect(two.deviceProgram).toEqual(resources.devices);
});

test("in hybrid mode limits are version 1, what only version 2 has is there, and the whole group can be killed", () => {
  const plan = planCgroup(hybrid, "/berth/c", {
    ...resources,
    memory: {},
    hugepageLimits: [{ pageSize: "2MB", limit: 4 << 20 }],
  });
  expect(plan.v2Directory).toBe("/sys/fs/cgroup/unified/berth/c");
  expect(plan.writes.map(({ path }) => path)).toContain("/sys/fs/cgroup/unified/berth/c/hugetlb.2MB.max");
  expect(plan.writes.map(({ path }) => path)).toContain("/sys/fs/cgroup/pids/berth/c/pids.max");
  expect(plan.deviceProgram).toBeUndefined();
});

const without = (controller: string): CgroupLayout => ({ ...v1, v1: { ...v1.v1, [controller]: undefined } });
test.each<[string, CgroupLayout, Parameters<typeof planCgroup>[2], string]>([
  ["memory", without("memory"), { memory: { limit: 1 } }, 'the cgroup controller "memory" is not mounted'],
  ["cpu", without("cpu"), { cpu: { quota: 1000 } }, 'the cgroup controller "cpu" is not mounted'],
  [
    "pids",
    without("pids"),
    { pids: { limit: 5 } },
    'cannot limit the number of processes: the cgroup controller "pids"',
  ],
  ["unified", v1, { unified: { "memory.high": "1" } }, "need cgroup version 2"],
  ["swappiness", v2, { memory: { swappiness: 5 } }, "memory swappiness does not exist in cgroup version 2"],
  ["swap below memory", v2, { memory: { limit: 10, swap: 5 } }, "is below that for memory"],
  ["a path", v2, { unified: { "../x": "1" } }, "is no setting of a control group"],
])("%s: a limit that cannot be kept is refused, with what is missing", (_, layout, wanted, words) => {
  expect(() => planCgroup(layout, "/berth/c", wanted)).toThrow(words);
});

test.each([
  [2, 1],
  [1024, 100],
  [262_144, 10_000],
  [0, undefined],
])("%i cpu shares are a weight of %p", (shares, weight) => {
  expect(weightOfShares(shares)).toBe(weight);
});

/** What the verifier and the kernel do with a device program, in the few instructions that it has. */
function ruling(program: Uint8Array, kind: "b" | "c", access: number, major: number, minor: number): number {
  const code = Buffer.from(program);
  const context = [(access << 16) | (kind === "b" ? 1 : 2), major, minor];
  const registers = Array.from({ length: 8 }, () => 0);
  for (let at = 0; at < code.length; at += 8) {
    const [opcode, operands, offset, constant] = [
      code[at] ?? 0,
      code[at + 1] ?? 0,
      code.readInt16LE(at + 2),
      code.readInt32LE(at + 4),
    ];
    const [to, from] = [operands & 15, operands >> 4];
    const value = registers[to] ?? 0;
    if (opcode === 0x61) registers[to] = context[offset / 4] ?? 0;
    else if (opcode === 0x54) registers[to] = value & constant;
    else if (opcode === 0x74) registers[to] = value >>> constant;
    else if (opcode === 0xbc) registers[to] = registers[from] ?? 0;
    else if (opcode === 0xb7) registers[to] = constant;
    else if ((opcode === 0x55 && value !== constant) || (opcode === 0x15 && value === constant))
      at += offset * 8;
    else if (opcode === 0x95) return registers[0] ?? 0;
  }
  throw new Error("the program runs off its end");
}

test.each<[string, "b" | "c", number, number, number, number]>([
  ["null may be read and written", "c", 6, 1, 3, 1],
  ["a disk may not be opened", "b", 2, 8, 0, 0],
  ["but its node may be made", "b", 1, 8, 0, 1],
  ["making and opening together is refused", "b", 3, 8, 0, 0],
  ["every terminal may be opened", "c", 6, 136, 77, 1],
  ["what is denied after it was allowed is denied", "c", 2, 10, 229, 0],
  ["also when more is asked for", "c", 6, 10, 229, 0],
])("device rules of version 2: %s", (_, kind, access, major, minor, verdict) => {
  const rules = [
    { allow: false, type: "a" },
    { allow: true, type: "b", major: -1, minor: -1, access: "m" },
    { allow: true, type: "c", major: 1, minor: 3, access: "rwm" },
    { allow: true, type: "c", major: 136, minor: -1, access: "rw" },
    { allow: true, type: "c", major: 10, minor: 229, access: "rwm" },
    { allow: false, type: "c", major: 10, minor: 229, access: "r" },
  ] as const;
  expect(ruling(deviceProgram(rules), kind, access, major, minor)).toBe(verdict);
});

const here = probeFeatures().cgroups;
const root = process.getuid?.() === 0;
if (!root) console.log("skipped: control groups of this machine: not root");

describe.skipIf(!root || here.mode === "none")("control groups of this machine", () => {
  const parent = `/berth-test-${process.pid}`;

  test("parents get what children need; children are listed, empty ones removed with what is below", async () => {
    prepareCgroupParent(here, parent);
    const { directories } = planCgroup(here, `${parent}/c`);
    for (const directory of directories) mkdirSync(`${directory}/below`, { recursive: true });
    const { cpuset } = here.v1;
    if (cpuset !== undefined)
      expect(readFileSync(`${cpuset}${parent}/c/cpuset.cpus`, "utf8").trim()).not.toBe("");
    expect(listCgroups(here, parent.slice(1))).toEqual(["c"]);
    expect(processes(here, `${parent}/c`)).toEqual([]);
    await removeCgroup(here, parent);
    expect(directories.filter((path) => existsSync(path))).toEqual([]);
    expect(listCgroups(here, parent.slice(1))).toEqual([]);
  });

  test("what is not there cannot be frozen, and has no processes", async () => {
    await expect(freeze(here, `${parent}/none`)).rejects.toThrow("no such file or directory");
    expect(processes(here, `${parent}/none`)).toEqual([]);
    await removeCgroup(here, `${parent}/none`);
  });

  test.skipIf(here.v2 === undefined)("the kernel takes a device program", () => {
    const directory = `${here.v2?.mountpoint}${parent}-devices`;
    mkdirSync(directory);
    try {
      attachDeviceProgram(directory, [
        { allow: false, type: "a" },
        { allow: true, type: "c", major: 1, minor: 3, access: "rw" },
      ]);
    } finally {
      rmdirSync(directory);
    }
  });
});
