/** The seccomp filter of a process as an op of its launch plan. */
import type { Features } from "../../kernel/features.ts";
import type { Op } from "../op.ts";
import type { Spec } from "../spec.ts";

/** None for an unconfined process. `capabilities` are those of the bounding set: docker's profile depends on them. */
export function seccompOp(choice: Spec["linux"]["seccomp"], capabilities: bigint, features: Features): Op[] {
  if (choice === undefined || !features.seccomp) return [];
  return capabilities < 0n ? [] : [];
}
