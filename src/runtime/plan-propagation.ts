/**
 * Where mounts are seen that are made later. The host's own mounts are left before anything is mounted: nothing of the container's
 * tree is ever a peer of them, but binds that were asked to be shared. The root gets its own propagation when the host is out of
 * sight; runc does the same (libcontainer/rootfs_linux.go, prepareRootfs).
 */
import {
  MS_PRIVATE,
  MS_REC,
  MS_SHARED,
  MS_SLAVE,
  MS_UNBINDABLE,
  type PlannedMount,
  propagationFlags,
} from "./mount-options.ts";
import { propagationSteps } from "./mount-steps.ts";
import type { Op } from "./op.ts";
import type { Spec } from "./spec.ts";

/** Whether somebody else hears of mounts made at such a place, or it of theirs. */
export function spreads(flags: number): boolean {
  return (flags & (MS_SHARED | MS_SLAVE)) !== 0;
}

/** Unless it is asked to be private, the root and what it binds go on to hear of the host's mounts; the host never hears of theirs. */
function askedOf({ linux }: Spec): number {
  return propagationFlags(linux.rootfsPropagation || "rslave");
}

/** For our copy of the host's mounts: private, or slave where the root is to hear of them. */
export function hostPropagation(spec: Spec): Op {
  return { op: "propagation", path: "/", flags: MS_REC | (spreads(askedOf(spec)) ? MS_SLAVE : MS_PRIVATE) };
}

/** Behind the pivot: what private and slave are is so already. What the mounts themselves were asked to be wins. */
export function rootPropagationOps(spec: Spec, mounts: readonly PlannedMount[]): Op[] {
  const asked = askedOf(spec);
  if ((asked & (MS_SHARED | MS_UNBINDABLE)) === 0) return [];
  const root: Op = { op: "mount-attributes", path: "/", steps: propagationSteps([asked], true) };
  return asked & MS_REC ? [root, ...mounts.flatMap(ownPropagation)] : [root];
}

function ownPropagation({ mount, options }: PlannedMount): Op[] {
  const steps = propagationSteps(options.propagation, true);
  return steps.length === 0 ? [] : [{ op: "mount-attributes", path: mount.destination, steps }];
}
