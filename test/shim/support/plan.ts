/** Plans for tests: the one that a container has by default, and its parts. */
import type { Op } from "../../../src/runtime/op.ts";
import type { Place } from "./place.ts";

export const MS_RDONLY = 1;
export const MS_NOSUID = 2;
export const MS_NODEV = 4;
export const MS_NOEXEC = 8;
export const MS_REC = 0x4000;
export const MS_SILENT = 0x8000;
export const MS_PRIVATE = 1 << 18;
export const MS_SHARED = 1 << 20;
export const MS_STRICTATIME = 1 << 24;
export const CLONE_NEWNS = 0x20000;
export const CLONE_NEWCGROUP = 0x2000000;
export const CLONE_NEWUTS = 0x4000000;
export const CLONE_NEWIPC = 0x8000000;
export const CLONE_NEWPID = 0x20000000;
export const CLONE_NEWNET = 0x40000000;
export const NAMESPACES =
  CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWCGROUP;
export const DEFAULT_CAPABILITIES = 0xa80425fbn;
export const PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

const MASKED = [
  "acpi",
  "asound",
  "interrupts",
  "kcore",
  "keys",
  "latency_stats",
  "sched_debug",
  "scsi",
  "timer_list",
];
const READONLY = ["bus", "fs", "irq", "sys", "sysrq-trigger"];
const DEVICES: readonly (readonly [string, number, number])[] = [
  ["null", 1, 3],
  ["zero", 1, 5],
  ["full", 1, 7],
  ["random", 1, 8],
  ["urandom", 1, 9],
  ["tty", 5, 0],
];

type OpNamed<T extends Op["op"]> = Extract<Op, { op: T }>;

export interface PlanOptions {
  readonly argv: readonly string[];
  readonly env?: readonly string[];
  /** SUPERVISE_* */
  readonly flags?: number;
  readonly terminal?: boolean;
  readonly drainMs?: number;
  readonly log?: { maxBytes?: number; maxFiles?: number; path?: string } | false;
  readonly spillLimit?: number | false;
  readonly spillSparePercent?: number;
  readonly barrier?: boolean;
  readonly user?: string;
  readonly groups?: readonly string[];
  readonly cwd?: string;
  /** Bounding, effective and permitted ones. */
  readonly capabilities?: bigint;
  readonly capabilitySets?: Pick<
    OpNamed<"capabilities">,
    "effective" | "permitted" | "inheritable" | "ambient"
  >;
  /** Layers by names relative to a working directory. */
  readonly shortNames?: boolean;
  readonly cgroup?: string;
  /** Ops of the shim, before the clone. */
  readonly before?: readonly Op[];
  /** Ops behind the container's mounts, before the pivot. */
  readonly mounts?: readonly Op[];
  /** Ops behind the pivot, while the child still has all privileges. */
  readonly inside?: readonly Op[];
  readonly namespaces?: number;
  readonly setHome?: boolean;
}

export function supervision(place: Place, options: PlanOptions): Op[] {
  const { flags = 0, terminal = false, drainMs = 500, log = {}, spillLimit = 64 << 20 } = options;
  const ops: Op[] = [
    {
      op: "supervise",
      id: place.id,
      runDirectory: place.run,
      flags: flags | Number(terminal),
      rows: 0,
      columns: 0,
      drainMs,
    },
  ];
  if (log !== false)
    ops.push({
      op: "log",
      path: log.path ?? place.log,
      maxBytes: log.maxBytes ?? 0,
      maxFiles: log.maxFiles ?? 1,
    });
  if (spillLimit !== false)
    ops.push({
      op: "spill",
      directory: place.spill,
      maxBytes: spillLimit,
      sparePercent: options.spillSparePercent ?? 0,
    });
  return [...ops, ...(options.before ?? [])];
}

/** Overlay, the kernel's own file systems, devices, masks: what a container of docker's has. */
export function rootFilesystem(
  place: Place,
  { mounts = [], shortNames = false }: Partial<PlanOptions>,
): Op[] {
  const prefix = shortNames ? "" : `${place.top}/`;
  return [
    { op: "propagation", path: "/", flags: MS_REC | MS_PRIVATE },
    {
      op: "mount-host",
      source: "overlay",
      target: place.root,
      type: "overlay",
      flags: 0,
      data: `lowerdir=${prefix}extra:${place.lower},upperdir=${prefix}upper,workdir=${prefix}work,volatile`,
      workingDirectory: shortNames ? place.top : "",
    },
    { op: "root", path: place.root, bind: false },
    ...kernelFilesystems(),
    ...devices(),
    ...mounts,
  ];
}

function kernelFilesystems(): Op[] {
  const quiet = MS_NOSUID | MS_NOEXEC | MS_NODEV;
  return [
    api("proc", "/proc", quiet),
    api("tmpfs", "/dev", MS_NOSUID | MS_STRICTATIME, "mode=755,size=65536k"),
    api("devpts", "/dev/pts", MS_NOSUID | MS_NOEXEC, "newinstance,ptmxmode=0666,mode=0620,gid=5"),
    api("sysfs", "/sys", quiet | MS_RDONLY),
    api("tmpfs", "/dev/shm", quiet, "mode=1777,size=65536k"),
    api("mqueue", "/dev/mqueue", quiet),
  ];
}

function api(type: string, target: string, flags: number, data = ""): Op {
  return { op: "mount", source: type, target, type, flags, data, api: true, optional: false };
}

function devices(): Op[] {
  const links = [
    ["/proc/self/fd", "/dev/fd"],
    ["/proc/self/fd/0", "/dev/stdin"],
    ["/proc/self/fd/1", "/dev/stdout"],
    ["/proc/self/fd/2", "/dev/stderr"],
    ["pts/ptmx", "/dev/ptmx"],
  ] as const;
  return [
    ...DEVICES.map(([name, major, minor]): Op => ({
      op: "mknod",
      path: `/dev/${name}`,
      mode: 0o20666,
      major,
      minor,
      uid: 0,
      gid: 0,
    })),
    ...links.map(([target, path]): Op => ({ op: "symlink", target, path })),
  ];
}

export function masks(): Op[] {
  return [
    ...READONLY.map((name): Op => ({ op: "readonly-path", path: `/proc/${name}` })),
    ...MASKED.map((name): Op => ({ op: "mask", path: `/proc/${name}` })),
    { op: "mask", path: "/sys/firmware" },
  ];
}

/** What the child gives away, and the exec. */
export function becoming(options: PlanOptions, enter: readonly Op[] = []): Op[] {
  const { capabilities = DEFAULT_CAPABILITIES } = options;
  const plain = { effective: capabilities, permitted: capabilities, inheritable: 0n, ambient: 0n };
  const sets = options.capabilitySets ?? plain;
  return [
    { op: "bounding", mask: capabilities },
    { op: "cwd", path: options.cwd ?? "/", create: true },
    { op: "user", user: options.user ?? "", groups: options.groups ?? [] },
    { op: "capabilities", ...sets },
    ...enter,
    { op: "exec", argv: options.argv, env: options.env ?? [PATH], setHome: options.setHome ?? false },
  ];
}

export function containerPlan(place: Place, options: PlanOptions): Op[] {
  return [
    ...supervision(place, options),
    { op: "clone", flags: options.namespaces ?? NAMESPACES, cgroup: options.cgroup ?? "" },
    ...rootFilesystem(place, options),
    ...(options.terminal === true ? [openTerminal(true)] : []),
    ...masks(),
    ...(options.barrier === false ? [] : [{ op: "barrier" } as const]),
    { op: "hostname", name: "box" },
    { op: "pivot" },
    ...(options.terminal === true ? [] : [{ op: "session" } as const]),
    ...(options.inside ?? []),
    ...becoming(options),
  ];
}

function openTerminal(bind: boolean): Op {
  return { op: "console", rows: 24, columns: 80, bind, entering: !bind };
}

export interface Target {
  readonly pid: number;
  readonly startTime: bigint;
}

/** Another process in the container of `target`. */
export function execPlan(place: Place, target: Target, options: PlanOptions): Op[] {
  const join = { op: "join-process", pid: target.pid, startTime: target.startTime } as const;
  return [
    ...supervision(place, { log: false, ...options }),
    { ...join, flags: 0 },
    { op: "clone", flags: 0, cgroup: options.cgroup ?? "" },
    { ...join, flags: NAMESPACES },
    ...(options.terminal === true ? [openTerminal(false)] : []),
    ...(options.barrier === false ? [] : [{ op: "barrier" } as const]),
    ...(options.inside ?? []),
    ...becoming(options, [{ op: "enter" }]),
  ];
}
