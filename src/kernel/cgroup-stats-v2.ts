/** Counters of cgroup version 2; kernel Documentation/admin-guide/cgroup-v2.rst. */
import { GroupFiles, hugePageSizes, UNLIMITED } from "./cgroup-files.ts";
import type { CgroupLayout } from "./cgroup-layout.ts";
import { rdmaStats } from "./cgroup-stats-v1.ts";
import type {
  BlockEntry,
  BlockStats,
  CgroupStats,
  CpuStats,
  LimitedUsage,
  MemoryStats,
  Usage,
} from "./cgroup-counters.ts";

/** Of the controllers that are in version 2. */
export function v2Stats({ v2 }: CgroupLayout, path: string): CgroupStats {
  if (v2 === undefined) return {};
  const files = new GroupFiles(v2.mountpoint + path);
  const has = (controller: string) => v2.controllers.includes(controller);
  return {
    ...(has("cpu") && { cpu: cpuStats(files) }),
    ...(has("memory") && { memory: memoryStats(files) }),
    ...(has("pids") && {
      pids: { current: files.number("pids.current") ?? 0, limit: files.number("pids.max") ?? 0 },
    }),
    ...(has("io") && { block: blockStats(files) }),
    ...(has("hugetlb") && { hugetlb: hugetlbStats(files) }),
    ...(has("rdma") && { rdma: rdmaStats(files) }),
  };
}

function cpuStats(files: GroupFiles): CpuStats {
  const stat = files.table("cpu.stat");
  const value = (name: string) => stat.get(name) ?? 0;
  return {
    totalNs: value("usage_usec") * 1000,
    userNs: value("user_usec") * 1000,
    kernelNs: value("system_usec") * 1000,
    perCpuNs: [],
    periods: value("nr_periods"),
    throttledPeriods: value("nr_throttled"),
    throttledNs: value("throttled_usec") * 1000,
  };
}

function memoryStats(files: GroupFiles): MemoryStats {
  const raw = files.table("memory.stat");
  const events = files.table("memory.events");
  const memory = counter(files, "memory", events.get("max") ?? 0) ?? {
    usage: 0,
    peak: 0,
    failures: 0,
    limit: 0,
  };
  const swap = counter(files, "memory.swap", files.table("memory.swap.events").get("max") ?? 0);
  return {
    version: 2,
    ...memory,
    cache: raw.get("file") ?? 0,
    ...(swap && { swap: together(memory, swap) }),
    raw: Object.fromEntries(raw),
    oomKills: events.get("oom_kill") ?? 0,
  };
}

function counter(files: GroupFiles, name: string, failures: number): LimitedUsage | undefined {
  const usage = files.number(`${name}.current`);
  if (usage === undefined) return undefined;
  return {
    usage,
    peak: files.number(`${name}.peak`) ?? 0,
    failures,
    limit: files.number(`${name}.max`) ?? 0,
  };
}

/** Version 2 counts swap alone. The peaks need not have been at the same time. */
function together(memory: LimitedUsage, swap: LimitedUsage): LimitedUsage {
  return {
    usage: memory.usage + swap.usage,
    peak: 0,
    failures: swap.failures,
    limit: Math.min(memory.limit + swap.limit, UNLIMITED),
  };
}

/** `8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=5 dios=6` */
function blockStats(files: GroupFiles): BlockStats {
  const lines = files.lines("io.stat");
  const entries = (suffix: string) => lines.flatMap((line) => blockEntries(line, suffix));
  return { serviceBytes: entries("bytes"), serviced: entries("ios") };
}

const OPERATIONS: readonly (readonly [letter: string, operation: string])[] = [
  ["r", "Read"],
  ["w", "Write"],
  ["d", "Discard"],
];

function blockEntries(line: string, suffix: string): BlockEntry[] {
  const [, major, minor, counters = ""] = /^(\d+):(\d+) (.*)$/.exec(line) ?? [];
  const values = new Map(counters.split(" ").map((text) => text.split("=") as [string, string]));
  return OPERATIONS.flatMap(([letter, operation]) => {
    const value = values.get(letter + suffix);
    return value === undefined
      ? []
      : [{ major: Number(major), minor: Number(minor), operation, value: Number(value) }];
  });
}

function hugetlbStats(files: GroupFiles): Record<string, Usage> {
  return Object.fromEntries(
    hugePageSizes().map((size) => [
      size,
      {
        usage: files.number(`hugetlb.${size}.current`) ?? 0,
        peak: 0,
        failures: files.table(`hugetlb.${size}.events`).get("max") ?? 0,
      },
    ]),
  );
}
