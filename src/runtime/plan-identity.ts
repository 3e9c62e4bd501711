/** Who the process becomes, and the last steps up to exec. The order is what makes it safe. */
import type { Features } from "../kernel/features.ts";
import { BerthError } from "../lib/error.ts";
import { CAPABILITIES, capabilityMask, isCapability } from "./capabilities.ts";
import type { Op } from "./op.ts";
import { environmentOf } from "./plan-process.ts";
import type { Handover } from "./runtime.ts";
import { compiledSeccomp, seccompOps } from "./seccomp/seccomp.ts";
import type { CompiledSeccomp, Process, Rlimit, Spec } from "./spec.ts";

/** From linux/resource.h (asm-generic). */
export const RLIMITS = [
  "CPU",
  "FSIZE",
  "DATA",
  "STACK",
  "CORE",
  "RSS",
  "NPROC",
  "NOFILE",
  "MEMLOCK",
  "AS",
  "LOCKS",
  "SIGPENDING",
  "MSGQUEUE",
  "NICE",
  "RTPRIO",
  "RTTIME",
].map((name) => `RLIMIT_${name}`);

const DEFAULT_UMASK = 0o022;

/** None for an unconfined process. */
export function filterOf(
  process: Process,
  seccomp: Spec["linux"]["seccomp"],
  features: Features,
): CompiledSeccomp | undefined {
  return seccomp && compiledSeccomp(seccomp, capabilityMasks(process, features).bounding, features);
}

/** Behind pivot_root and the network. The filter comes last that can, for it holds for what follows: before the privileges go that loading it takes, or after no_new_privs. */
export function identityOps(
  process: Process,
  filter: CompiledSeccomp | undefined,
  features: Features,
  {
    createCwd,
    enter = [],
    hooks = [],
    handover,
  }: { createCwd: boolean; enter?: readonly Op[]; hooks?: readonly Op[]; handover?: Handover | undefined },
): Op[] {
  const load = seccompOps(filter);
  const early = process.noNewPrivileges ? [] : load;
  const late = process.noNewPrivileges ? [{ op: "no-new-privs" } as const, ...load] : [];
  const { bounding, ...sets } = capabilityMasks(process, features);
  return [
    ...(handover?.keyring === undefined ? [] : [{ op: "keyring", name: handover.keyring } as const]),
    ...rlimitOps(process.rlimits ?? []),
    { op: "umask", mask: process.user.umask ?? DEFAULT_UMASK },
    { op: "cwd", path: process.cwd, create: createCwd }, // while we may still enter what the user's own rights would not let in; runc does the same
    { op: "bounding", mask: bounding },
    userOp(process),
    ...early,
    { op: "capabilities", ...sets },
    ...(handover === undefined ? [] : [findOp(process)]),
    ...late,
    ...enter,
    ...(handover?.startFifo === undefined ? [] : [{ op: "await-start" } as const]),
    ...hooks,
    { op: "exec", argv: process.args, env: environmentOf(process), setHome: true },
  ];
}

/** Before a filter could hinder it; in the PATH that the process is given, as runc does. */
function findOp({ args, env = [] }: Process): Op {
  const path = env.find((variable) => variable.startsWith("PATH="))?.slice("PATH=".length) ?? "";
  return { op: "find", program: args[0] ?? "", path };
}

/** Never more than we have ourselves: this engine may lack what the specification lists. */
function capabilityMasks({ capabilities }: Process, features: Features) {
  const mask = (names: readonly string[] = []) =>
    capabilityMask(names.filter(isCapability)) & features.boundingSet;
  const known = capabilityMask(CAPABILITIES) & features.boundingSet;
  if (capabilities === undefined)
    return { bounding: known, effective: known, permitted: known, inheritable: 0n, ambient: 0n };
  const permitted = mask(capabilities.permitted);
  const inheritable = mask(capabilities.inheritable);
  return {
    bounding: mask(capabilities.bounding),
    effective: mask(capabilities.effective) & permitted,
    permitted,
    inheritable,
    ambient: mask(capabilities.ambient) & permitted & inheritable,
  };
}

/** As runc: a name of tomorrow's kernel is no reason not to run today. */
export function capabilityWarnings({ capabilities = {} }: Process): string[] {
  const unknown = new Set(
    Object.values(capabilities)
      .flat()
      .filter((name) => !isCapability(name)),
  );
  return unknown.size === 0 ? [] : [`unknown capabilities are ignored: ${[...unknown].join(", ")}`];
}

function userOp(process: Process): Op {
  return { op: "user", ...userText(process) };
}

/** Whom the shim looks up in the container's tables. */
export function userText({ user }: Process): { user: string; groups: readonly string[] } {
  const further = (user.additionalGids ?? []).filter((gid) => gid !== user.gid); // that one he has already
  const groups = [...further.map(String), ...(user.additionalGroups ?? [])];
  return { user: user.username ?? `${user.uid}:${user.gid}`, groups };
}

function rlimitOps(rlimits: readonly Rlimit[]): Op[] {
  const types = rlimits.map(({ type }) => type);
  const twice = types.find((type, index) => types.indexOf(type) !== index);
  if (twice !== undefined) throw new BerthError("invalid", `process.rlimits: ${twice} is there twice`);
  return rlimits.map(rlimitOp);
}

function rlimitOp({ type, soft, hard }: Rlimit): Op {
  const resource = RLIMITS.indexOf(type);
  if (resource < 0) throw new BerthError("invalid", `unknown resource limit "${type}"`);
  const [least, most] = [limit(soft), limit(hard)];
  if (least > most)
    throw new BerthError("invalid", `process.rlimits: the soft ${type} ${soft} is above the hard ${hard}`);
  return { op: "rlimit", resource, soft: least, hard: most };
}

const UNLIMITED = 2n ** 64n - 1n;

function limit(value: number | bigint): bigint {
  return value < 0 ? UNLIMITED : BigInt(value);
}
