/** What this kernel has, probed once: the launch plan then holds only what will work. */
import { existsSync, readFileSync } from "node:fs";
import { type CgroupLayout, parseCgroupLayout } from "./cgroup-layout.ts";

export interface Features {
  /** `6.18.44-fc`. */
  readonly kernel: string;
  readonly kernelVersion: readonly [major: number, minor: number];
  readonly architecture: "x86_64" | "aarch64";
  readonly cpus: number;
  readonly memoryBytes: number;
  readonly swapBytes: number;
  readonly cgroups: CgroupLayout;
  /** `overlay`, `mqueue`, …: what mount(2) knows without loading a module. */
  readonly filesystems: readonly string[];
  readonly seccomp: boolean;
  /** Our bounding set: nothing that we start can have more. */
  readonly boundingSet: bigint;
  /** By OCI name (`RLIMIT_NOFILE`): what cannot be exceeded without CAP_SYS_RESOURCE. Absent: unlimited. */
  readonly hardLimits: Readonly<Record<string, number>>;
  /** Ours: less than this takes CAP_SYS_RESOURCE. */
  readonly oomScoreAdjust: number;
}

const CAP_SYS_RESOURCE = 24n;

/** Whether limits may be raised and the OOM score lowered. */
export function mayExceedLimits(features: Pick<Features, "boundingSet">): boolean {
  return ((features.boundingSet >> CAP_SYS_RESOURCE) & 1n) === 1n;
}

let probed: Features | undefined;

/** Synchronous; about a millisecond the first time, nothing later. */
export function probeFeatures(): Features {
  return (probed ??= probe());
}

function probe(): Features {
  const status = read("/proc/self/status");
  const memory = read("/proc/meminfo");
  const kernel = read("/proc/sys/kernel/osrelease").trim();
  const [major = 0, minor = 0] = kernel.split(/[.-]/).map(Number);
  return {
    kernel,
    kernelVersion: [major, minor],
    architecture: process.arch === "arm64" ? "aarch64" : "x86_64",
    cpus: navigator.hardwareConcurrency,
    memoryBytes: kilobytes(memory, "MemTotal"),
    swapBytes: kilobytes(memory, "SwapTotal"),
    cgroups: probeCgroups(),
    filesystems: read("/proc/filesystems").split("\n").map(lastWord).filter(Boolean),
    seccomp: /^Seccomp:/m.test(status),
    boundingSet: BigInt(`0x${/^CapBnd:\s*(\w+)/m.exec(status)?.[1] ?? "0"}`),
    hardLimits: parseHardLimits(read("/proc/self/limits")),
    oomScoreAdjust: Number(read("/proc/self/oom_score_adj")),
  };
}

function probeCgroups(): CgroupLayout {
  const unified =
    read("/sys/fs/cgroup/cgroup.controllers") || read("/sys/fs/cgroup/unified/cgroup.controllers");
  const layout = parseCgroupLayout(read("/proc/self/mountinfo"), unified);
  const { memory } = layout.v1;
  const swap = memory !== undefined && existsSync(`${memory}/memory.memsw.limit_in_bytes`);
  return { ...layout, swapAccounting: swap || layout.v2?.controllers.includes("memory") === true };
}

/** Empty where there is no such file. */
function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

function kilobytes(text: string, name: string): number {
  return Number(new RegExp(`^${name}:\\s*(\\d+) kB`, "m").exec(text)?.[1] ?? 0) * 1024;
}

function lastWord(line: string): string {
  return line.split("\t").at(-1) ?? "";
}

const LIMIT_NAMES: Readonly<Record<string, string>> = {
  "Max cpu time": "RLIMIT_CPU",
  "Max file size": "RLIMIT_FSIZE",
  "Max data size": "RLIMIT_DATA",
  "Max stack size": "RLIMIT_STACK",
  "Max core file size": "RLIMIT_CORE",
  "Max resident set": "RLIMIT_RSS",
  "Max processes": "RLIMIT_NPROC",
  "Max open files": "RLIMIT_NOFILE",
  "Max locked memory": "RLIMIT_MEMLOCK",
  "Max address space": "RLIMIT_AS",
  "Max file locks": "RLIMIT_LOCKS",
  "Max pending signals": "RLIMIT_SIGPENDING",
  "Max msgqueue size": "RLIMIT_MSGQUEUE",
  "Max nice priority": "RLIMIT_NICE",
  "Max realtime priority": "RLIMIT_RTPRIO",
  "Max realtime timeout": "RLIMIT_RTTIME",
};

/** The third column of proc(5) /proc/PID/limits, without those that say `unlimited`. */
export function parseHardLimits(text: string): Record<string, number> {
  const limits: Record<string, number> = {};
  for (const line of text.split("\n")) {
    const [, title = "", hard = ""] = /^(Max .*?)\s{2,}\S+\s+(\d+)/.exec(line) ?? [];
    const name = LIMIT_NAMES[title];
    if (name !== undefined) limits[name] = Number(hard);
  }
  return limits;
}
