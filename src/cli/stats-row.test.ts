import { expect, test } from "bun:test";
import type { ContainerStatsResponse } from "../wire/schema.ts";
import { statsRow } from "./stats-row.ts";

const sample = (cpu: number, system: number): ContainerStatsResponse => ({
  id: "0123456789abcdef",
  name: "/web",
  cpu_stats: { cpu_usage: { total_usage: cpu }, system_cpu_usage: system, online_cpus: 2 },
  memory_stats: { usage: 3 << 20, limit: 6 << 20, stats: { inactive_file: 1 << 20 } },
  networks: { eth0: { rx_bytes: 1000, tx_bytes: 20 }, eth1: { rx_bytes: 500 } },
  blkio_stats: {
    io_service_bytes_recursive: [
      { major: 8, minor: 0, op: "read", value: 4096 },
      { major: 8, minor: 0, op: "Write", value: 2_000_000 },
      { major: 8, minor: 0, op: "total", value: 9 },
    ],
  },
  pids_stats: { current: 3 },
});

test("a line of stats is the difference of two looks, in docker's units", () => {
  expect(statsRow("web", sample(600, 2000), sample(100, 1000), true)).toEqual({
    Container: "web",
    ID: "0123456789ab",
    Name: "web",
    CPUPerc: "100.00%",
    MemUsage: "2MiB / 6MiB",
    MemPerc: "33.33%",
    NetIO: "1.5kB / 20B",
    BlockIO: "4.1kB / 2MB",
    PIDs: "3",
  });
});

test("a container that is not there has dashes, one that stands still has used nothing", () => {
  expect(statsRow("gone", undefined, undefined, true)).toMatchObject({
    Container: "gone",
    ID: "--",
    CPUPerc: "--",
    MemUsage: "-- / --",
  });
  expect(statsRow("web", sample(100, 2000), sample(100, 1000), false)).toMatchObject({
    ID: "0123456789abcdef",
    CPUPerc: "0.00%",
  });
});
