/** Limits as the files of cgroup version 1 hierarchies; kernel Documentation/admin-guide/cgroup-v1. */
import type { CgroupLayout } from "./cgroup-layout.ts";
import type {
  BlockResources,
  CpuResources,
  DeviceRule,
  MemoryResources,
  Resources,
  Throttle,
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
    ...at(
      "hugetlb",
      (resources.hugepageLimits ?? []).map(({ pageSize, limit }): CgroupFile => [
        `hugetlb.${pageSize}.limit_in_bytes`,
        limit,
      ]),
    ),
    ...at("devices", (resources.devices ?? []).map(deviceFile)),
  ];
}

/** Memory alone before memory and swap: the first may never exceed the second. */
function memoryFiles(memory: MemoryResources, swapAccounting: boolean): CgroupFile[] {
  return [
    ["memory.limit_in_bytes", memory.limit],
    ["memory.memsw.limit_in_bytes", swapAccounting ? memory.swap : undefined],
    ["memory.soft_limit_in_bytes", memory.reservation],
    ["memory.swappiness", memory.swappiness],
    ["memory.oom_control", memory.disableOOMKiller ? 1 : undefined],
  ];
}

/** The period before the quota, which must fit it. */
function cpuFiles(cpu: CpuResources): CgroupFile[] {
  return [
    ["cpu.shares", cpu.shares],
    ["cpu.cfs_period_us", cpu.period],
    ["cpu.cfs_quota_us", cpu.quota],
    ["cpu.rt_period_us", cpu.realtimePeriod],
    ["cpu.rt_runtime_us", cpu.realtimeRuntime],
  ];
}

/** The weight belongs to an I/O scheduler that may not be there; the name depends on which it is. */
function blockFiles(block: BlockResources): CgroupFile[] {
  const rate = (file: string, list: readonly Throttle[] = []) =>
    list.map(({ major, minor, rate: value }): CgroupFile => [file, `${major}:${minor} ${value}`]);
  return [
    ["blkio.weight", block.weight, "optional"],
    ["blkio.bfq.weight", block.weight, "optional"],
    ...(block.weightDevice ?? []).map(({ major, minor, weight }): CgroupFile => [
      "blkio.weight_device",
      `${major}:${minor} ${weight}`,
    ]),
    ...rate("blkio.throttle.read_bps_device", block.throttleReadBpsDevice),
    ...rate("blkio.throttle.write_bps_device", block.throttleWriteBpsDevice),
    ...rate("blkio.throttle.read_iops_device", block.throttleReadIOPSDevice),
    ...rate("blkio.throttle.write_iops_device", block.throttleWriteIOPSDevice),
  ];
}

/** One rule for each write: `c 1:3 rwm`. */
function deviceFile(rule: DeviceRule): CgroupFile {
  const file = rule.allow ? "devices.allow" : "devices.deny";
  if ((rule.type ?? "a") === "a") return [file, "a"];
  const number = (value: number | undefined) => (value === undefined || value < 0 ? "*" : String(value));
  return [file, `${rule.type} ${number(rule.major)}:${number(rule.minor)} ${rule.access ?? "rwm"}`];
}
