/** One line of `stats` (docker's cli/command/container/formatter_stats.go). */
import { formatBinarySize, formatSize } from "../lib/size.ts";
import type { ContainerBlkioStats, ContainerStatsResponse } from "../wire/schema.ts";
import type { ListFormat, Row } from "./list-format.ts";
import { shortId } from "./text.ts";

export const STATS_LIST: ListFormat = {
  table: "{{.ID}}\t{{.Name}}\t{{.CPUPerc}}\t{{.MemUsage}}\t{{.MemPerc}}\t{{.NetIO}}\t{{.BlockIO}}\t{{.PIDs}}",
  typeName: "*container.statsContext",
  headers: {
    Container: "CONTAINER",
    ID: "CONTAINER ID",
    Name: "NAME",
    CPUPerc: "CPU %",
    MemUsage: "MEM USAGE / LIMIT",
    MemPerc: "MEM %",
    NetIO: "NET I/O",
    BlockIO: "BLOCK I/O",
    PIDs: "PIDS",
  },
};

/** What a container that is not there shows. */
const UNKNOWN = {
  CPUPerc: "--",
  MemUsage: "-- / --",
  MemPerc: "--",
  NetIO: "--",
  BlockIO: "--",
  PIDs: "--",
};

export function statsRow(
  ref: string,
  now: ContainerStatsResponse | undefined,
  before: ContainerStatsResponse | undefined,
  truncate: boolean,
): Row {
  if (now === undefined) return { Container: ref, ID: "--", Name: "--", ...UNKNOWN };
  const id = now.id ?? "";
  const [used, limit] = memoryOf(now);
  const traffic = Object.values(now.networks ?? {});
  return {
    Container: ref,
    ID: truncate ? shortId(id) : id,
    Name: (now.name ?? "").replace(/^\//, ""),
    CPUPerc: percent(cpuShare(now, before)),
    MemUsage: `${formatBinarySize(used)} / ${formatBinarySize(limit)}`,
    MemPerc: percent(limit === 0 ? 0 : used / limit),
    NetIO: pair(sum(traffic.map((each) => each.rx_bytes)), sum(traffic.map((each) => each.tx_bytes))),
    BlockIO: pair(bytesOf(now.blkio_stats, "read"), bytesOf(now.blkio_stats, "write")),
    PIDs: String(now.pids_stats?.current ?? 0),
  };
}

const percent = (share: number) => `${(share * 100).toFixed(2)}%`;
const pair = (one: number, other: number) => `${formatSize(one)} / ${formatSize(other)}`;
const sum = (values: readonly (number | null | undefined)[]) =>
  values.reduce<number>((total, value) => total + (value ?? 0), 0);

/** 1 is one CPU. */
function cpuShare(now: ContainerStatsResponse, before: ContainerStatsResponse | undefined): number {
  const used =
    (now.cpu_stats?.cpu_usage?.total_usage ?? 0) - (before?.cpu_stats?.cpu_usage?.total_usage ?? 0);
  const passed = (now.cpu_stats?.system_cpu_usage ?? 0) - (before?.cpu_stats?.system_cpu_usage ?? 0);
  return used > 0 && passed > 0 ? (used / passed) * (now.cpu_stats?.online_cpus ?? 0) : 0;
}

/** Without the page cache that can be given back at once; its name tells the version of the control groups. */
function memoryOf({ memory_stats: memory }: ContainerStatsResponse): readonly [used: number, limit: number] {
  const usage = memory?.usage ?? 0;
  const cache = memory?.stats?.["total_inactive_file"] ?? memory?.stats?.["inactive_file"] ?? 0;
  return [cache < usage ? usage - cache : usage, memory?.limit ?? 0];
}

function bytesOf(block: ContainerBlkioStats | null | undefined, operation: string): number {
  const entries = block?.io_service_bytes_recursive ?? [];
  return sum(entries.filter(({ op }) => op?.toLowerCase() === operation).map(({ value }) => value));
}
