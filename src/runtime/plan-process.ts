/** How the kernel shall run a process: scheduling, CPUs, memory, personality; and what of a process makes no sense on any machine. */
import { BerthError } from "../lib/error.ts";
import { maskWords, parseNumberList } from "./number-list.ts";
import type { Op } from "./op.ts";
import type { IoPriority, Linux, MemoryPolicy, Personality, Process, Scheduler, User } from "./spec.ts";

/** Throws before anything is made. */
export function checkProcess(process: Process): void {
  const { args, cwd, consoleSize, oomScoreAdj = 0, apparmorProfile, selinuxLabel } = process;
  if (args === undefined || args.length === 0) throw invalid("args", "must not be empty");
  if (!cwd.startsWith("/")) throw invalid("cwd", `"${cwd}" is not absolute`);
  if (oomScoreAdj < -1000 || oomScoreAdj > 1000)
    throw invalid("oomScoreAdj", `${oomScoreAdj} is none of -1000 to 1000`);
  if (Math.max(consoleSize?.height ?? 0, consoleSize?.width ?? 0) > TERMINAL_MAX)
    throw invalid("consoleSize", `a terminal has at most ${TERMINAL_MAX} rows and columns`);
  checkUser(process.user);
  if (apparmorProfile) throw absent("apparmorProfile", "AppArmor");
  if (selinuxLabel) throw absent("selinuxLabel", "SELinux");
}

/** What no machine of ours does for a container. */
export function checkLinux({ mountLabel, intelRdt }: Linux): void {
  if (mountLabel) throw new BerthError("unavailable", "linux.mountLabel: berth sets no labels of SELinux");
  if (intelRdt !== undefined)
    throw new BerthError(
      "unavailable",
      "linux.intelRdt: berth uses no resctrl file system, by which Intel's processors divide cache and memory bandwidth",
    );
}

/** Between a process that enters a pid namespace and its program stands one more fork, which a deadline forbids and a reset undoes. */
export function checkEnteringScheduler({ scheduler }: Process): void {
  const { policy, flags = [] } = scheduler ?? {};
  if (policy === "SCHED_DEADLINE" || flags.includes("SCHED_FLAG_RESET_ON_FORK"))
    throw new BerthError(
      "unsupported",
      "process.scheduler: SCHED_DEADLINE and SCHED_FLAG_RESET_ON_FORK are for a container's first process only, in a pid namespace of its own",
    );
}

const TERMINAL_MAX = 0xffff;
const ID_MAX = 2 ** 31 - 1;
const UMASK_MAX = 0o777;

/** Above ID_MAX some programs read a negative number, and the last one is -1, "no change" to the kernel. */
function checkUser({ uid, gid, umask = 0, additionalGids = [] }: User): void {
  for (const [name, id] of [
    ["uid", uid],
    ["gid", gid],
    ...additionalGids.map((each) => ["additionalGids", each] as const),
  ] as const)
    if (id > ID_MAX) throw invalid(`user.${name}`, `${id} is none of 0 to ${ID_MAX}`);
  if (umask > UMASK_MAX) throw invalid("user.umask", `0${umask.toString(8)} is none of 0 to 0777`);
}

function invalid(field: string, words: string): BerthError {
  return new BerthError("invalid", `process.${field}: ${words}`);
}

function absent(field: string, module: string): BerthError {
  return new BerthError(
    "unavailable",
    `process.${field}: berth sets nothing of ${module}; a profile that is not applied would be no protection`,
  );
}

/** The last of several with one name counts, in the place of the first. */
export function environmentOf({ env = [] }: Process): readonly string[] {
  const values = new Map<string, string>();
  for (const variable of env) {
    const at = variable.indexOf("=");
    if (at <= 0) throw invalid("env", `${JSON.stringify(variable)} is no NAME=value`);
    values.set(variable.slice(0, at), variable);
  }
  return values.size === env.length ? env : [...values.values()];
}

/** Behind the joins, while the process still may. */
export function performanceOps(
  { scheduler, ioPriority }: Process,
  { personality, memoryPolicy }: Pick<Linux, "personality" | "memoryPolicy"> = {},
): Op[] {
  return [
    ...(scheduler === undefined ? [] : [schedulerOp(scheduler)]),
    ...(ioPriority === undefined ? [] : [ioPriorityOp(ioPriority)]),
    ...(memoryPolicy === undefined ? [] : [memoryPolicyOp(memoryPolicy)]),
    ...(personality === undefined ? [] : [personalityOp(personality)]),
  ];
}

/** SCHED_* of linux/sched.h; SCHED_ISO has a number there, and no code. */
const POLICIES: Readonly<Record<string, number>> = {
  SCHED_OTHER: 0,
  SCHED_FIFO: 1,
  SCHED_RR: 2,
  SCHED_BATCH: 3,
  SCHED_IDLE: 5,
  SCHED_DEADLINE: 6,
};
const SCHEDULER_FLAGS: Readonly<Record<string, number>> = {
  SCHED_FLAG_RESET_ON_FORK: 0x01,
  SCHED_FLAG_RECLAIM: 0x02,
  SCHED_FLAG_DL_OVERRUN: 0x04,
  SCHED_FLAG_KEEP_POLICY: 0x08,
  SCHED_FLAG_KEEP_PARAMS: 0x10,
};

function schedulerOp(scheduler: Scheduler): Op {
  const { policy, nice = 0, priority = 0, flags = [], runtime = 0, deadline = 0, period = 0 } = scheduler;
  if (nice < -20 || nice > 19) throw invalid("scheduler.nice", `${nice} is none of -20 to 19`);
  if (priority !== 0 && policy !== "SCHED_FIFO" && policy !== "SCHED_RR")
    throw invalid("scheduler.priority", "only SCHED_FIFO and SCHED_RR have one");
  if (Math.max(runtime, deadline, period) > 0 && policy !== "SCHED_DEADLINE")
    throw invalid("scheduler", "runtime, deadline and period are for SCHED_DEADLINE only");
  return {
    op: "scheduler",
    policy: named("scheduler.policy", policy, POLICIES),
    flags: bits("scheduler.flags", flags, SCHEDULER_FLAGS),
    nice,
    priority,
    runtime,
    deadline,
    period,
  };
}

const IO_CLASSES: Readonly<Record<string, number>> = {
  IOPRIO_CLASS_RT: 1,
  IOPRIO_CLASS_BE: 2,
  IOPRIO_CLASS_IDLE: 3,
};
const IO_CLASS_SHIFT = 13;

function ioPriorityOp({ class: name, priority = 0 }: IoPriority): Op {
  if (priority < 0 || priority > 7) throw invalid("ioPriority.priority", `${priority} is none of 0 to 7`);
  return {
    op: "io-priority",
    value: (named("ioPriority.class", name, IO_CLASSES) << IO_CLASS_SHIFT) | priority,
  };
}

/** In the process's hand before it is in the container's groups, and when it is: for an exec. */
export function affinityOps(cpus: string | undefined): Op[] {
  if (cpus === undefined || cpus.trim() === "") return [];
  return [{ op: "affinity", cpus: maskWords(parseNumberList(cpus, "process.execCPUAffinity")) }];
}

const PERSONALITIES: Readonly<Record<string, number>> = { LINUX: 0, LINUX32: 8 };

function personalityOp({ domain = "LINUX", flags = [] }: Personality): Op {
  if (flags.length > 0)
    throw new BerthError(
      "unsupported",
      `linux.personality.flags: the specification knows none, not ${flags.join(", ")}`,
    );
  return { op: "personality", persona: named("personality.domain", domain, PERSONALITIES, "linux") };
}

/** MPOL_* of linux/mempolicy.h. */
const MEMORY_MODES: Readonly<Record<string, number>> = {
  MPOL_DEFAULT: 0,
  MPOL_PREFERRED: 1,
  MPOL_BIND: 2,
  MPOL_INTERLEAVE: 3,
  MPOL_LOCAL: 4,
  MPOL_PREFERRED_MANY: 5,
  MPOL_WEIGHTED_INTERLEAVE: 6,
};
const MEMORY_FLAGS: Readonly<Record<string, number>> = {
  MPOL_F_NUMA_BALANCING: 1 << 13,
  MPOL_F_RELATIVE_NODES: 1 << 14,
  MPOL_F_STATIC_NODES: 1 << 15,
};

function memoryPolicyOp({ mode = "", nodes = "", flags = [] }: MemoryPolicy): Op {
  return {
    op: "memory-policy",
    mode:
      named("memoryPolicy.mode", mode, MEMORY_MODES, "linux") |
      bits("memoryPolicy.flags", flags, MEMORY_FLAGS, "linux"),
    nodes: nodes.trim() === "" ? [] : maskWords(parseNumberList(nodes, "linux.memoryPolicy.nodes")),
  };
}

function named(
  field: string,
  name: string,
  known: Readonly<Record<string, number>>,
  section = "process",
): number {
  const value = Object.hasOwn(known, name) ? known[name] : undefined;
  if (value === undefined)
    throw new BerthError(
      "unsupported",
      `${section}.${field}: "${name}" is none of ${Object.keys(known).join(", ")}`,
    );
  return value;
}

function bits(
  field: string,
  names: readonly string[],
  known: Readonly<Record<string, number>>,
  section = "process",
): number {
  return names.reduce((set, name) => set | named(field, name, known, section), 0);
}
