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

export function isAtLeast(
  { kernelVersion }: Pick<Features, "kernelVersion">,
  [major, minor]: readonly [major: number, minor: number],
): boolean {
  const [ourMajor, ourMinor] = kernelVersion;
  return ourMajor > major || (ourMajor === major && ourMinor >= minor);
}

let probed: Features | undefined;

/** Synchronous; a part is looked up the first time that it is asked for, and stays as it was. */
export function probeFeatures(): Features {
  return (probed ??= probe());
}

/** Each part is looked up when it is asked for: a process that starts one container needs few of them. */
function probe(): Features {
  const status = once(() => read("/proc/self/status"));
  const memory = once(() => read("/proc/meminfo"));
  const kernel = once(() => read("/proc/sys/kernel/osrelease").trim());
  const version = once(() => kernel().split(/[.-]/).map(Number));
  const cgroups = once(probeCgroups);
  const filesystems = once(() => read("/proc/filesystems").split("\n").map(lastWord).filter(Boolean));
  const bounding = once(() => BigInt(`0x${/^CapBnd:\s*(\w+)/m.exec(status())?.[1] ?? "0"}`));
  const limits = once(() => parseHardLimits(read("/proc/self/limits")));
  return {
    get kernel() {
      return kernel();
    },
    get kernelVersion() {
      const [major = 0, minor = 0] = version();
      return [major, minor] as const;
    },
    architecture: process.arch === "arm64" ? "aarch64" : "x86_64",
    get cpus() {
      return navigator.hardwareConcurrency;
    },
    get memoryBytes() {
      return kilobytes(memory(), "MemTotal");
    },
    get swapBytes() {
      return kilobytes(memory(), "SwapTotal");
    },
    get cgroups() {
      return cgroups();
    },
    get filesystems() {
      return filesystems();
    },
    get seccomp() {
      return /^Seccomp:/m.test(status());
    },
    get boundingSet() {
      return bounding();
    },
    get hardLimits() {
      return limits();
    },
    get oomScoreAdjust() {
      return Number(read("/proc/self/oom_score_adj"));
    },
  };
}

function once<T>(look: () => T): () => T {
  let found: { readonly value: T } | undefined;
  return () => (found ??= { value: look() }).value;
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

/** In the order of their numbers. */
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

const RLIM_INFINITY = (1n << 64n) - 1n;

/** By their numbers, as getrlimit(2) gives them. */
export function namedLimits(limits: readonly bigint[]): Features["hardLimits"] {
  const names = Object.values(LIMIT_NAMES);
  return Object.fromEntries(
    limits.flatMap((limit, number) =>
      limit === RLIM_INFINITY ? [] : [[names[number] ?? "", Number(limit)]],
    ),
  );
}

/** The same but for what is named; the rest is still looked up when it is asked for. */
export function featuresWith(features: Features, others: Partial<Features>): Features {
  const properties = Object.entries(others).map(([name, value]) => [name, { value, enumerable: true }]);
  return Object.create(features, Object.fromEntries(properties) as PropertyDescriptorMap) as Features;
}

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
