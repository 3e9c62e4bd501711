/** What a container uses, in the shape of runc's `events`: engines read it. */
import type { BlockEntry, CgroupStats, LimitedUsage } from "../kernel/cgroup-counters.ts";
import { cgroupStats } from "../kernel/cgroup-stats.ts";
import { UNLIMITED } from "../kernel/cgroup-files.ts";
import type { CgroupLayout } from "../kernel/cgroup-layout.ts";

export function statsOf(layout: CgroupLayout, path: string): object {
  const { cpu, memory, pids, block, hugetlb } = cgroupStats(layout, path);
  return {
    cpu: cpu === undefined ? {} : cpuOf(cpu),
    cpuset: {},
    memory: memory === undefined ? {} : memoryOf(memory),
    pids:
      pids === undefined
        ? {}
        : present({ current: pids.current, limit: pids.limit >= UNLIMITED ? 0 : pids.limit }),
    blkio: block === undefined ? {} : blockOf(block),
    hugetlb: Object.fromEntries(
      Object.entries(hugetlb ?? {}).map(([size, { usage, peak, failures }]) => [
        size,
        { ...present({ usage, max: peak }), failcnt: failures },
      ]),
    ),
    intel_rdt: {},
    network_interfaces: null,
  };
}

/** Go leaves out what is 0. */
function present(fields: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== 0));
}

function cpuOf(cpu: NonNullable<CgroupStats["cpu"]>): object {
  const { totalNs, userNs, kernelNs, perCpuNs, periods, throttledPeriods, throttledNs } = cpu;
  return {
    usage: {
      total: totalNs,
      ...(perCpuNs.length === 0 ? {} : { percpu: perCpuNs }),
      kernel: kernelNs,
      user: userNs,
    },
    throttling: present({ periods, throttledPeriods, throttledTime: throttledNs }),
  };
}

function memoryOf({
  cache,
  raw,
  swap,
  kernel,
  kernelTcp,
  ...usage
}: NonNullable<CgroupStats["memory"]>): object {
  return {
    ...present({ cache }),
    usage: counter(usage),
    swap: counter(swap),
    kernel: counter(kernel),
    kernelTCP: counter(kernelTcp),
    raw,
  };
}

function counter(counted: LimitedUsage | undefined): object {
  if (counted === undefined) return { failcnt: 0 };
  const { usage, peak, failures, limit } = counted;
  return {
    limit,
    ...present({ usage, max: peak }),
    failcnt: failures,
  };
}

function blockOf({ serviceBytes, serviced }: NonNullable<CgroupStats["block"]>): object {
  return {
    ...listed("ioServiceBytesRecursive", serviceBytes),
    ...listed("ioServicedRecursive", serviced),
  };
}

function listed(name: string, entries: readonly BlockEntry[]): object {
  return entries.length === 0
    ? {}
    : {
        [name]: entries.map(({ major, minor, operation, value }) => ({ major, minor, op: operation, value })),
      };
}
