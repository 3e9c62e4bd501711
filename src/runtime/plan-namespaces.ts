/** Which namespaces are new, which exist and are joined, and when. */
import { BerthError } from "../lib/error.ts";
import { type Features, isAtLeast } from "../kernel/features.ts";
import type { Op } from "./op.ts";
import type { NamespaceType, Spec } from "./spec.ts";

/** CLONE_NEW* of linux/sched.h. */
export const CLONE: Readonly<Record<NamespaceType, number>> = {
  mount: 0x00020000,
  cgroup: 0x02000000,
  uts: 0x04000000,
  ipc: 0x08000000,
  user: 0x10000000,
  pid: 0x20000000,
  network: 0x40000000,
  time: 0x00000080,
};

export interface NamespaceOps {
  readonly beforeClone: readonly Op[];
  readonly cloneFlags: number;
  readonly afterClone: readonly Op[];
  /** Joins a pid namespace that others are in: only the process behind `enter` is seen there, when it may no more than it shall. */
  readonly shared: readonly Op[];
}

/** Whether a namespace of this type is not the host's. */
export function hasOwn({ linux }: Spec, type: NamespaceType): boolean {
  return linux.namespaces.some((namespace) => namespace.type === type);
}

/** What an exec joins besides: only where there is one, for not every kernel has them. */
export function timeOf(spec: Spec): number {
  return hasOwn(spec, "time") ? CLONE.time : 0;
}

/** `mount -t proc -o pidns=FILE`: before that, a procfs is that of whoever mounts it, who must be in the pid namespace then. */
const PIDNS_KERNEL = [6, 18] as const;

/** Others are in its pid namespace, who may trace it, and it has rights over the host until the end: it is seen there at last only. */
export function sharesProcesses(spec: Spec, features: Features): boolean {
  if (!isAtLeast(features, PIDNS_KERNEL)) return false;
  return (
    !hasOwn(spec, "user") &&
    spec.linux.namespaces.some(({ type, path }) => type === "pid" && path !== undefined)
  );
}

/** An existing mount namespace is entered as it is, and the container's tree is made in it. */
export function joinsMounts({ linux }: Spec): boolean {
  return linux.namespaces.some(({ type, path }) => type === "mount" && path !== undefined);
}

/**
 * All but the user namespace. Only children enter a pid namespace: one that others are in is joined for one more clone at the end, but before the first
 * where that takes the host's rights away (or the kernel leaves no choice). A new time namespace is made before the clone, too: its clocks stand still from then on. A new cgroup namespace is made after joining the groups it shall show as the root. A mount namespace is joined last:
 * the paths of the others are those of the host.
 */
export function namespaceOps(spec: Spec, features: Features): NamespaceOps {
  const { namespaces } = spec.linux;
  check(spec);
  const made = namespaces.filter(({ path }) => path === undefined).map(({ type }) => type);
  const joined = namespaces.flatMap(({ type, path }) => (path === undefined ? [] : [{ type, path }]));
  const join = (...types: readonly NamespaceType[]): Op[] =>
    joined
      .filter(({ type }) => types.includes(type))
      .map(({ type, path }) => ({ op: "join", path, type: CLONE[type] }));
  const shares = sharesProcesses(spec, features);
  return {
    beforeClone: [...(shares ? [] : join("pid")), ...(made.includes("time") ? timeOps(spec) : [])],
    cloneFlags: made.filter((type) => !LATE.has(type)).reduce((flags, type) => flags | CLONE[type], 0),
    afterClone: [
      ...join("network", "ipc", "uts", "cgroup", "time"),
      ...(made.includes("cgroup") ? [{ op: "unshare", flags: CLONE.cgroup } as const] : []),
      ...join("mount"),
    ],
    shared: shares ? join("pid") : [],
  };
}

/** Not made by the clone; the user namespace is plan-user.ts's. */
const LATE: ReadonlySet<NamespaceType> = new Set(["cgroup", "time", "user"]);

/** The offsets can be written until the first process is in. */
function timeOps({ linux }: Spec): Op[] {
  const lines = Object.entries(linux.timeOffsets ?? {}).map(
    ([clock, { secs = 0, nanosecs = 0 }]) => `${clock} ${secs} ${nanosecs}\n`,
  );
  const offsets: Op = {
    op: "write",
    path: "/proc/self/timens_offsets",
    data: lines.join(""),
    optional: false,
  };
  return [{ op: "unshare", flags: CLONE.time }, ...(lines.length === 0 ? [] : [offsets])];
}

function check(spec: Spec): void {
  const { namespaces, timeOffsets } = spec.linux;
  const seen = new Set<string>();
  for (const { type } of namespaces) {
    if (!Object.hasOwn(CLONE, type))
      throw new BerthError("invalid", `unknown namespace type "${String(type)}"`);
    if (seen.has(type)) throw new BerthError("invalid", `malformed spec file: duplicated ns "${type}"`);
    seen.add(type);
  }
  if (!seen.has("mount"))
    throw new BerthError(
      "unsupported",
      "berth does not run containers without a mount namespace of their own",
    );
  if (seen.has("user") && joinsMounts(spec))
    throw new BerthError("unsupported", "berth joins no mount namespace with a user namespace");
  if (
    timeOffsets !== undefined &&
    !namespaces.some(({ type, path }) => type === "time" && path === undefined)
  )
    throw new BerthError("invalid", "linux.timeOffsets: only a new time namespace can have other clocks");
}
