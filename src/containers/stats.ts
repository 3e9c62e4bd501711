/** `stats`: what a container uses, in docker's words (moby daemon/stats_unix.go). */
import type { BlockEntry, CgroupStats, CpuStats, MemoryStats } from "../kernel/cgroup-counters.ts";
import { UNLIMITED } from "../kernel/cgroup-files.ts";
import { cpuTime } from "../kernel/cpu-time.ts";
import { type InterfaceStats, networkStats } from "../kernel/network-stats.ts";
import { formatTime, unixNanoseconds, ZERO_TIME } from "../lib/time.ts";
import type {
  ContainerBlkioStatEntry,
  ContainerCPUStats,
  ContainerMemoryStats,
  ContainerNetworkStats,
  ContainerStatsResponse,
} from "../wire/schema.ts";
import type { Container } from "./container.ts";
import type { Parts } from "./parts.ts";
import type { StatsOptions } from "./requests.ts";

const INTERVAL_MS = 1000;

/** A stream ends with its container's removal, or when `signal` says so. Behind a single answer are two looks, unless one is asked for. */
export async function* containerStats(
  parts: Parts,
  container: Container,
  { stream, oneShot }: StatsOptions,
  signal: AbortSignal,
): AsyncGenerator<ContainerStatsResponse> {
  let missing = stream || oneShot || container.handle === undefined ? 0 : 1;
  for await (const look of looksAt(parts, container, signal)) {
    if (missing-- > 0) continue;
    yield look;
    if (!stream) return;
  }
}

/** One each second, with the one before it. */
async function* looksAt(
  parts: Parts,
  container: Container,
  signal: AbortSignal,
): AsyncGenerator<ContainerStatsResponse> {
  let before: ContainerStatsResponse | undefined;
  while (!signal.aborted && parts.registry.byId(container.id) !== undefined) {
    before = await sample(parts, container, before);
    yield before;
    await pause(signal);
  }
}

async function pause(signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, INTERVAL_MS);
  signal.addEventListener("abort", () => resolve(), { once: true });
  if (signal.aborted) resolve();
  await promise;
  clearTimeout(timer);
}

async function sample(
  parts: Parts,
  container: Container,
  before?: ContainerStatsResponse,
): Promise<ContainerStatsResponse> {
  const { handle, id, name } = container;
  const previous = {
    preread: before?.read ?? ZERO_TIME,
    precpu_stats: before?.cpu_stats ?? cpuOf(undefined),
  };
  if (handle === undefined)
    return { name: `/${name}`, id, read: ZERO_TIME, ...previous, ...counters({}, parts), networks: {} };
  const stats = await parts.runtimes.of(container.spec).stats(id);
  const networks = Object.fromEntries(networkStats(handle.pid).map(network));
  return {
    name: `/${name}`,
    id,
    read: formatTime(unixNanoseconds()),
    ...previous,
    ...counters(stats, parts),
    networks,
  };
}

function counters({ cpu, memory, pids, block }: CgroupStats, { features }: Parts) {
  return {
    pids_stats:
      pids === undefined
        ? {}
        : { current: pids.current, ...(pids.limit >= UNLIMITED ? {} : { limit: pids.limit }) },
    blkio_stats: {
      io_service_bytes_recursive: (block?.serviceBytes ?? []).map(blockEntry),
      io_serviced_recursive: (block?.serviced ?? []).map(blockEntry),
      io_queue_recursive: [],
      io_service_time_recursive: [],
      io_wait_time_recursive: [],
      io_merged_recursive: [],
      io_time_recursive: [],
      sectors_recursive: [],
    },
    num_procs: 0, // of Windows
    storage_stats: {},
    cpu_stats: cpuOf(cpu),
    memory_stats: memory === undefined ? {} : memoryOf(memory, features.memoryBytes),
  };
}

function cpuOf(cpu: CpuStats | undefined): ContainerCPUStats {
  const machine = cpu === undefined ? undefined : cpuTime();
  return {
    cpu_usage: {
      total_usage: cpu?.totalNs ?? 0,
      ...(cpu === undefined || cpu.perCpuNs.length === 0 ? {} : { percpu_usage: [...cpu.perCpuNs] }),
      usage_in_kernelmode: cpu?.kernelNs ?? 0,
      usage_in_usermode: cpu?.userNs ?? 0,
    },
    ...(machine === undefined ? {} : { system_cpu_usage: machine.totalNs, online_cpus: machine.online }),
    throttling_data: {
      periods: cpu?.periods ?? 0,
      throttled_periods: cpu?.throttledPeriods ?? 0,
      throttled_time: cpu?.throttledNs ?? 0,
    },
  };
}

/** Without a limit of its own the machine's memory is the limit. */
function memoryOf(
  { version, usage, peak, failures, limit, raw }: MemoryStats,
  machineBytes: number,
): ContainerMemoryStats {
  return {
    usage,
    ...(version === 1 ? { max_usage: peak } : {}),
    stats: { ...raw },
    ...(failures > 0 ? { failcnt: failures } : {}),
    limit: limit === 0 ? machineBytes : Math.min(limit, machineBytes),
  };
}

function blockEntry({ major, minor, operation, value }: BlockEntry): ContainerBlkioStatEntry {
  return { major, minor, op: operation.toLowerCase(), value };
}

function network({ name, received, sent }: InterfaceStats): [string, ContainerNetworkStats] {
  return [
    name,
    {
      rx_bytes: received.bytes,
      rx_packets: received.packets,
      rx_errors: received.errors,
      rx_dropped: received.dropped,
      tx_bytes: sent.bytes,
      tx_packets: sent.packets,
      tx_errors: sent.errors,
      tx_dropped: sent.dropped,
    },
  ];
}
