/** Counters of cgroup version 1 hierarchies; kernel Documentation/admin-guide/cgroup-v1. */
import { GroupFiles, hugePageSizes } from "./cgroup-files.ts";
import type { CgroupLayout } from "./cgroup-layout.ts";
import type {
  BlockEntry,
  BlockStats,
  CgroupStats,
  CpuStats,
  LimitedUsage,
  MemoryStats,
  Usage,
} from "./cgroup-counters.ts";

export function v1Stats(layout: CgroupLayout, path: string): CgroupStats {
  const at = (controller: string) => {
    const mountpoint = layout.v1[controller];
    return mountpoint === undefined ? undefined : new GroupFiles(mountpoint + path);
  };
  const [account, memory, pids, block, hugetlb, rdma] = [
    "cpuacct",
    "memory",
    "pids",
    "blkio",
    "hugetlb",
    "rdma",
  ].map(at);
  return {
    ...(account && { cpu: cpuStats(account, at("cpu")) }),
    ...(memory && { memory: memoryStats(memory) }),
    ...(pids && { pids: { current: pids.number("pids.current") ?? 0, limit: pids.number("pids.max") ?? 0 } }),
    ...(block && { block: blockStats(block) }),
    ...(hugetlb && { hugetlb: hugetlbStats(hugetlb) }),
    ...(rdma && { rdma: rdmaStats(rdma) }),
  };
}

function cpuStats(account: GroupFiles, cpu: GroupFiles | undefined): CpuStats {
  const throttling = cpu?.table("cpu.stat");
  return {
    totalNs: account.number("cpuacct.usage") ?? 0,
    userNs: account.number("cpuacct.usage_user") ?? 0,
    kernelNs: account.number("cpuacct.usage_sys") ?? 0,
    perCpuNs: (account.text("cpuacct.usage_percpu") ?? "").split(/\s+/).filter(Boolean).map(Number),
    periods: throttling?.get("nr_periods") ?? 0,
    throttledPeriods: throttling?.get("nr_throttled") ?? 0,
    throttledNs: throttling?.get("throttled_time") ?? 0,
  };
}

function memoryStats(files: GroupFiles): MemoryStats {
  const raw = files.table("memory.stat");
  const swap = counter(files, "memory.memsw");
  const kernel = counter(files, "memory.kmem");
  const kernelTcp = counter(files, "memory.kmem.tcp");
  return {
    version: 1,
    ...(counter(files, "memory") ?? { usage: 0, peak: 0, failures: 0, limit: 0 }),
    cache: raw.get("cache") ?? 0,
    ...(swap && { swap }),
    ...(kernel && { kernel }),
    ...(kernelTcp && { kernelTcp }),
    raw: Object.fromEntries(raw),
    oomKills: files.table("memory.oom_control").get("oom_kill") ?? 0,
  };
}

function counter(files: GroupFiles, name: string): LimitedUsage | undefined {
  const usage = files.number(`${name}.usage_in_bytes`);
  if (usage === undefined) return undefined;
  return {
    usage,
    peak: files.number(`${name}.max_usage_in_bytes`) ?? 0,
    failures: files.number(`${name}.failcnt`) ?? 0,
    limit: files.number(`${name}.limit_in_bytes`) ?? 0,
  };
}

/** The scheduler's own counters where it counts; those of throttling are always there. */
function blockStats(files: GroupFiles): BlockStats {
  const entries = (name: string) => {
    const own = files.lines(`blkio.bfq.${name}_recursive`).flatMap(blockEntry);
    return own.length > 0 ? own : files.lines(`blkio.throttle.${name}_recursive`).flatMap(blockEntry);
  };
  return { serviceBytes: entries("io_service_bytes"), serviced: entries("io_serviced") };
}

/** `8:0 Read 4096`; the sum of all devices is no entry. */
function blockEntry(line: string): BlockEntry[] {
  const [, major, minor, operation = "", value] = /^(\d+):(\d+) (\w+) (\d+)$/.exec(line) ?? [];
  if (value === undefined) return [];
  return [{ major: Number(major), minor: Number(minor), operation, value: Number(value) }];
}

function hugetlbStats(files: GroupFiles): Record<string, Usage> {
  return Object.fromEntries(
    hugePageSizes().map((size) => [
      size,
      {
        usage: files.number(`hugetlb.${size}.usage_in_bytes`) ?? 0,
        peak: files.number(`hugetlb.${size}.max_usage_in_bytes`) ?? 0,
        failures: files.number(`hugetlb.${size}.failcnt`) ?? 0,
      },
    ]),
  );
}

/** `mlx5_0 hca_handle=2 hca_object=2000`; the same in both versions. */
export function rdmaStats(files: GroupFiles): NonNullable<CgroupStats["rdma"]> {
  return Object.fromEntries(
    files.lines("rdma.current").map((line) => {
      const [device = "", ...values] = line.split(" ");
      const value = (name: string) =>
        Number(values.find((text) => text.startsWith(`${name}=`))?.slice(name.length + 1) ?? 0);
      return [device, { hcaHandles: value("hca_handle"), hcaObjects: value("hca_object") }];
    }),
  );
}
