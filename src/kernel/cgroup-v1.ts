/** Limits as the files of cgroup version 1 hierarchies; kernel Documentation/admin-guide/cgroup-v1. */
import type { CgroupLayout } from "./cgroup-layout.ts";
import type {
  BlockResources,
  CpuResources,
  DeviceRule,
  MemoryResources,
  Resources,
  Throttle,
  WeightDevice,
} from "./cgroup-resources.ts";
import { type CgroupFile, type CgroupWrite, pidsMax, toWrite } from "./cgroup-write.ts";

/** Of every controller that is in a version 1 hierarchy; the others are v2Writes' business. */
export function v1Writes(layout: CgroupLayout, path: string, resources: Resources): CgroupWrite[] {
  const at = (controller: string, files: readonly CgroupFile[]) => {
    const mountpoint = layout.v1[controller];
    return mountpoint === undefined ? [] : files.flatMap((file) => toWrite(`${mountpoint}${path}`, file));
  };
  return [
    ...at("memory", memoryFiles(resources.memory ?? {}, layout.swapAccounting)),
    ...at("cpu", cpuFiles(resources.cpu ?? {})),
    ...at("cpuset", [
      ["cpuset.cpus", resources.cpu?.cpus || undefined],
      ["cpuset.mems", resources.cpu?.mems || undefined],
    ]),
    ...at("pids", [["pids.max", resources.pids && pidsMax(resources.pids.limit)]]),
    ...at("blkio", blockFiles(resources.blockIO ?? {})),
    ...at("hugetlb", (resources.hugepageLimits ?? []).flatMap(hugePageFiles)),
    ...at("net_cls", [["net_cls.classid", resources.network?.classID || undefined]]),
    ...at("net_prio", (resources.network?.priorities ?? []).map(priorityFile)),
    ...at("rdma", Object.entries(resources.rdma ?? {}).map(rdmaFile)),
    ...at("devices", (resources.devices ?? []).map(deviceFile)),
  ];
}

/** Memory alone before memory and swap: the first may never exceed the second. Memory without limit is so with swap, too. */
function memoryFiles(memory: MemoryResources, swapAccounting: boolean): CgroupFile[] {
  const { limit, swap = limit === -1 ? -1 : undefined } = memory;
  return [
    ["memory.limit_in_bytes", limit || undefined],
    ["memory.memsw.limit_in_bytes", swapAccounting ? swap || undefined : undefined],
    ["memory.soft_limit_in_bytes", memory.reservation || undefined],
    ["memory.kmem.tcp.limit_in_bytes", memory.kernelTCP || undefined],
    ["memory.swappiness", memory.swappiness],
    ["memory.oom_control", memory.disableOOMKiller ? 1 : undefined],
  ];
}

/** The period before the quota, which must fit it; behind it what may be saved up of it. */
function cpuFiles(cpu: CpuResources): CgroupFile[] {
  return [
    ["cpu.idle", cpu.idle],
    ["cpu.shares", cpu.shares || undefined],
    ["cpu.cfs_period_us", cpu.period || undefined],
    ["cpu.cfs_quota_us", cpu.quota || undefined],
    ["cpu.cfs_burst_us", cpu.burst],
    ["cpu.rt_period_us", cpu.realtimePeriod || undefined],
    ["cpu.rt_runtime_us", cpu.realtimeRuntime || undefined],
  ];
}

/** What is in use and what is reserved but not used yet. */
function hugePageFiles({
  pageSize,
  limit,
}: {
  readonly pageSize: string;
  readonly limit: number;
}): CgroupFile[] {
  return [
    [`hugetlb.${pageSize}.limit_in_bytes`, limit],
    [`hugetlb.${pageSize}.rsvd.limit_in_bytes`, limit, "optional"],
  ];
}

function priorityFile({ name, priority }: { readonly name: string; readonly priority: number }): CgroupFile {
  return ["net_prio.ifpriomap", `${name} ${priority}`];
}

/** The same in both versions. */
export function rdmaFile([device, { hcaHandles, hcaObjects }]: [
  string,
  { readonly hcaHandles?: number; readonly hcaObjects?: number },
]): CgroupFile {
  const limits = [
    ...(hcaHandles === undefined ? [] : [`hca_handle=${hcaHandles}`]),
    ...(hcaObjects === undefined ? [] : [`hca_object=${hcaObjects}`]),
  ];
  return ["rdma.max", limits.length === 0 ? undefined : `${device} ${limits.join(" ")}`];
}

/** The weight belongs to an I/O scheduler that may not be there; the name depends on which it is. */
function blockFiles(block: BlockResources): CgroupFile[] {
  const rate = (file: string, list: readonly Throttle[] = []) =>
    list.map(({ major, minor, rate: value = 0 }): CgroupFile => [file, `${major}:${minor} ${value}`]);
  return [
    ["blkio.weight", block.weight || undefined, "optional"],
    ["blkio.bfq.weight", block.weight || undefined, "optional"],
    ...["blkio.weight_device", "blkio.bfq.weight_device"].flatMap((file) =>
      (block.weightDevice ?? []).map((device): CgroupFile => [file, weightLine(device), "optional"]),
    ),
    ...rate("blkio.throttle.read_bps_device", block.throttleReadBpsDevice),
    ...rate("blkio.throttle.write_bps_device", block.throttleWriteBpsDevice),
    ...rate("blkio.throttle.read_iops_device", block.throttleReadIOPSDevice),
    ...rate("blkio.throttle.write_iops_device", block.throttleWriteIOPSDevice),
  ];
}

/** `8:0 500`; undefined where no weight is asked for. */
export function weightLine({ major, minor, weight }: WeightDevice): string | undefined {
  return weight === undefined || weight === 0 ? undefined : `${major}:${minor} ${weight}`;
}

/** One rule for each write: `c 1:3 rwm`. */
function deviceFile(rule: DeviceRule): CgroupFile {
  const file = rule.allow ? "devices.allow" : "devices.deny";
  if ((rule.type ?? "a") === "a") return [file, "a"];
  const number = (value: number | undefined) => (value === undefined || value < 0 ? "*" : String(value));
  return [file, `${rule.type} ${number(rule.major)}:${number(rule.minor)} ${rule.access ?? "rwm"}`];
}
