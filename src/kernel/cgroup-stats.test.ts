import { expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import type { CgroupLayout } from "./cgroup-layout.ts";
import { UNLIMITED } from "./cgroup-files.ts";
import { cgroupStats } from "./cgroup-stats.ts";
import { networkStats, parseNetworkStats } from "./network-stats.ts";

/** Files as a kernel shows them, in a directory of ours. */
class Files implements Disposable {
  readonly top = mkdtempSync("/tmp/b-stats-");

  constructor(files: Readonly<Record<string, string>>) {
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(`${this.top}/${path}`.replace(/\/[^/]*$/, ""), { recursive: true });
      writeFileSync(`${this.top}/${path}`, text);
    }
  }

  [Symbol.dispose](): void {
    rmSync(this.top, { recursive: true });
  }
}

const none = { hierarchies: [], swapAccounting: true } as const;

test("version 1: each controller's counters, from its own hierarchy", () => {
  using files = new Files({
    "cpuacct/g/cpuacct.usage": "5000\n",
    "cpuacct/g/cpuacct.usage_user": "3000\n",
    "cpuacct/g/cpuacct.usage_sys": "2000\n",
    "cpuacct/g/cpuacct.usage_percpu": "4000 1000 \n",
    "cpu/g/cpu.stat": "nr_periods 7\nnr_throttled 2\nthrottled_time 900\n",
    "memory/g/memory.usage_in_bytes": "4096\n",
    "memory/g/memory.max_usage_in_bytes": "8192\n",
    "memory/g/memory.limit_in_bytes": `${UNLIMITED}\n`,
    "memory/g/memory.failcnt": "3\n",
    "memory/g/memory.memsw.usage_in_bytes": "5000\n",
    "memory/g/memory.memsw.limit_in_bytes": "6000\n",
    "memory/g/memory.stat": "cache 100\nrss 200\n",
    "memory/g/memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 4\n",
    "pids/g/pids.current": "2\n",
    "pids/g/pids.max": "max\n",
    "blkio/g/blkio.bfq.io_service_bytes_recursive": "Total 0\n",
    "blkio/g/blkio.throttle.io_service_bytes_recursive": "8:0 Read 512\n8:0 Total 512\nTotal 512\n",
    "blkio/g/blkio.throttle.io_serviced_recursive": "8:0 Read 1\nTotal 1\n",
    "rdma/g/rdma.current": "mlx5_0 hca_handle=2 hca_object=2000\n",
  });
  const v1 = Object.fromEntries(
    ["cpu", "cpuacct", "memory", "pids", "blkio", "rdma"].map((name) => [name, `${files.top}/${name}`]),
  );
  const stats = cgroupStats({ ...none, mode: "v1", v1 }, "/g");
  expect(stats).toEqual({
    cpu: {
      totalNs: 5000,
      userNs: 3000,
      kernelNs: 2000,
      perCpuNs: [4000, 1000],
      periods: 7,
      throttledPeriods: 2,
      throttledNs: 900,
    },
    memory: {
      version: 1,
      usage: 4096,
      peak: 8192,
      failures: 3,
      limit: UNLIMITED,
      cache: 100,
      swap: { usage: 5000, peak: 0, failures: 0, limit: 6000 },
      raw: { cache: 100, rss: 200 },
      oomKills: 4,
    },
    pids: { current: 2, limit: UNLIMITED },
    block: {
      serviceBytes: [
        { major: 8, minor: 0, operation: "Read", value: 512 },
        { major: 8, minor: 0, operation: "Total", value: 512 },
      ],
      serviced: [{ major: 8, minor: 0, operation: "Read", value: 1 }],
    },
    rdma: { mlx5_0: { hcaHandles: 2, hcaObjects: 2000 } },
  });
});

test("version 2: the same words, swap counted with memory, times in nanoseconds", () => {
  using files = new Files({
    "g/cpu.stat":
      "usage_usec 5\nuser_usec 3\nsystem_usec 2\nnr_periods 7\nnr_throttled 2\nthrottled_usec 9\n",
    "g/memory.current": "4096\n",
    "g/memory.max": "8192\n",
    "g/memory.peak": "5000\n",
    "g/memory.swap.current": "100\n",
    "g/memory.swap.max": "max\n",
    "g/memory.stat": "anon 50\nfile 60\n",
    "g/memory.events": "low 0\nhigh 0\nmax 5\noom 1\noom_kill 1\n",
    "g/pids.current": "2\n",
    "g/pids.max": "10\n",
    "g/io.stat": "8:0 rbytes=512 wbytes=1024 rios=1 wios=2 dbytes=0 dios=0\n8:16 \n",
    "g/hugetlb.2MB.current": "2097152\n",
    "g/hugetlb.2MB.events": "max 6\n",
  });
  const layout: CgroupLayout = {
    ...none,
    mode: "v2",
    v1: {},
    v2: { mountpoint: files.top, controllers: ["cpu", "memory", "pids", "io"] },
  };
  expect(cgroupStats(layout, "/g")).toEqual({
    cpu: {
      totalNs: 5000,
      userNs: 3000,
      kernelNs: 2000,
      perCpuNs: [],
      periods: 7,
      throttledPeriods: 2,
      throttledNs: 9000,
    },
    memory: {
      version: 2,
      usage: 4096,
      peak: 5000,
      failures: 5,
      limit: 8192,
      cache: 60,
      swap: { usage: 4196, peak: 0, failures: 0, limit: UNLIMITED },
      raw: { anon: 50, file: 60 },
      oomKills: 1,
    },
    pids: { current: 2, limit: 10 },
    block: {
      serviceBytes: [
        { major: 8, minor: 0, operation: "Read", value: 512 },
        { major: 8, minor: 0, operation: "Write", value: 1024 },
        { major: 8, minor: 0, operation: "Discard", value: 0 },
      ],
      serviced: [
        { major: 8, minor: 0, operation: "Read", value: 1 },
        { major: 8, minor: 0, operation: "Write", value: 2 },
        { major: 8, minor: 0, operation: "Discard", value: 0 },
      ],
    },
  });
});

test("a group that is gone has used nothing; without hierarchies nothing is counted", () => {
  const layout: CgroupLayout = {
    ...none,
    mode: "v2",
    v1: {},
    v2: { mountpoint: "/no/such", controllers: ["memory", "cpu"] },
  };
  expect(cgroupStats(layout, "/g")).toMatchObject({ memory: { usage: 0, oomKills: 0 }, cpu: { totalNs: 0 } });
  expect(cgroupStats({ ...none, mode: "none", v1: {} }, "/g")).toEqual({});
});

test("network counters are those of all interfaces but the loopback; a process that is gone has none", () => {
  const text = `Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo:     100       1    0    0    0     0          0         0      100       1    0    0    0     0       0          0
  eth0:1000 10 1 2 0 0 0 0 2000 20 3 4 0 0 0 0
`;
  expect(parseNetworkStats(text)).toEqual([
    {
      name: "eth0",
      received: { bytes: 1000, packets: 10, errors: 1, dropped: 2 },
      sent: { bytes: 2000, packets: 20, errors: 3, dropped: 4 },
    },
  ]);
  expect(networkStats(2 ** 30)).toEqual([]);
});
