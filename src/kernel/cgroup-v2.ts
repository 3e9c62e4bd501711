/** Limits as the files of cgroup version 2; kernel Documentation/admin-guide/cgroup-v2.rst. */
import { BerthError } from "../lib/error.ts";
import type { CgroupLayout } from "./cgroup-layout.ts";
import type {
  BlockResources,
  CpuResources,
  MemoryResources,
  Resources,
  Throttle,
} from "./cgroup-resources.ts";
import { rdmaFile, weightLine } from "./cgroup-v1.ts";
import { type CgroupFile, type CgroupWrite, pidsMax, toWrite } from "./cgroup-write.ts";

/** Of every controller that is in version 2 and in no version 1 hierarchy. */
export function v2Writes(layout: CgroupLayout, path: string, resources: Resources): CgroupWrite[] {
  const { v2 } = layout;
  if (v2 === undefined) return [];
  const at = (controller: string, files: () => readonly CgroupFile[]) =>
    v2.controllers.includes(controller)
      ? files().flatMap((file) => toWrite(`${v2.mountpoint}${path}`, file))
      : [];
  return [
    ...at("memory", () => memoryFiles(resources.memory ?? {})),
    ...at("cpu", () => cpuFiles(resources.cpu ?? {})),
    ...at("cpuset", () => [
      ["cpuset.cpus", resources.cpu?.cpus || undefined],
      ["cpuset.mems", resources.cpu?.mems || undefined],
    ]),
    ...at("pids", () => [["pids.max", resources.pids && pidsMax(resources.pids.limit)]]),
    ...at("io", () => blockFiles(resources.blockIO ?? {})),
    ...at("hugetlb", () =>
      (resources.hugepageLimits ?? []).flatMap(({ pageSize, limit }): CgroupFile[] => [
        [`hugetlb.${pageSize}.max`, limit],
        [`hugetlb.${pageSize}.rsvd.max`, limit, "optional"],
      ]),
    ),
    ...at("rdma", () => Object.entries(resources.rdma ?? {}).map(rdmaFile)),
    ...Object.entries(resources.unified ?? {}).flatMap(([name, data]) =>
      unifiedWrite(v2.mountpoint + path, name, data),
    ),
  ];
}

function unifiedWrite(directory: string, name: string, data: string): CgroupWrite[] {
  if (name.includes("/") || name === "cgroup.procs" || name === "cgroup.threads")
    throw new BerthError("invalid", `"${name}" is no setting of a control group`);
  return toWrite(directory, [name, data]);
}

const limitOf = (bytes = 0) => (bytes === 0 ? undefined : bytes < 0 ? "max" : bytes);

function memoryFiles(memory: MemoryResources): CgroupFile[] {
  if (memory.swappiness !== undefined) throw missing("memory swappiness");
  if (memory.disableOOMKiller) throw missing("switching the OOM killer off");
  if ((memory.kernelTCP ?? 0) > 0) throw missing("a limit for the memory of TCP buffers");
  return [
    ["memory.max", limitOf(memory.limit)],
    ["memory.swap.max", swapOnly(memory), "optional"],
    ["memory.low", limitOf(memory.reservation)],
  ];
}

function missing(what: string): BerthError {
  return new BerthError(
    "unavailable",
    `${what} does not exist in cgroup version 2, which this machine uses for memory`,
  );
}

/** OCI counts memory and swap together, version 2 counts swap alone; memory without limit is so with swap, too. */
function swapOnly({ limit = 0, swap = 0 }: MemoryResources): number | string | undefined {
  if (swap < 0 || (swap === 0 && limit === -1)) return "max";
  if (swap === 0) return undefined;
  if (limit <= 0)
    throw new BerthError("invalid", "a limit for memory and swap together needs one for memory");
  if (swap < limit)
    throw new BerthError("invalid", "the limit for memory and swap together is below that for memory");
  return swap - limit;
}

function cpuFiles(cpu: CpuResources): CgroupFile[] {
  if (cpu.realtimeRuntime || cpu.realtimePeriod) throw missing("real-time CPU limits");
  return [
    ["cpu.idle", cpu.idle],
    ["cpu.weight", cpu.shares === undefined ? undefined : weightOfShares(cpu.shares)],
    ["cpu.max", cpuMax(cpu)],
    ["cpu.max.burst", cpu.burst],
  ];
}

function cpuMax({ quota = 0, period = 0 }: CpuResources): string | undefined {
  if (quota === 0 && period === 0) return undefined;
  return `${quota <= 0 ? "max" : quota} ${period || 100_000}`;
}

/**
 * 2…262144 shares as a weight of 1…10000 so that both defaults meet, 1024 and 100: the curve that crun and runc agreed on
 * (opencontainers/runc PR 4785). 0 means "not set" to docker.
 */
export function weightOfShares(shares: number): number | undefined {
  if (shares === 0) return undefined;
  if (shares <= 2) return 1;
  if (shares >= 262_144) return 10_000;
  const log = Math.log2(shares);
  return Math.ceil(10 ** ((log * log + 125 * log) / 612 - 7 / 34));
}

/** blkio's 10…1000 as io's 1…10000. */
function ioWeight(weight = 0): number | undefined {
  return weight === 0 ? undefined : 1 + Math.floor(((weight - 10) * 9999) / 990);
}

function blockFiles(block: BlockResources): CgroupFile[] {
  const rate = (key: string, list: readonly Throttle[] = []) =>
    list.map(({ major, minor, rate: value = 0 }): CgroupFile => [
      "io.max",
      `${major}:${minor} ${key}=${value === 0 ? "max" : value}`,
    ]);
  return [
    ["io.bfq.weight", block.weight || undefined, "optional"],
    ["io.weight", ioWeight(block.weight), "optional"],
    ...(block.weightDevice ?? []).map((device): CgroupFile => [
      "io.bfq.weight",
      weightLine(device),
      "optional",
    ]),
    ...rate("rbps", block.throttleReadBpsDevice),
    ...rate("wbps", block.throttleWriteBpsDevice),
    ...rate("riops", block.throttleReadIOPSDevice),
    ...rate("wiops", block.throttleWriteIOPSDevice),
  ];
}
