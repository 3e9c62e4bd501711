/** The system call filter of a container: compiled once, and kept below the root for the next. */
import type { Features } from "../kernel/features.ts";
import type { Spec } from "../runtime/spec.ts";
import { compiledSeccomp } from "../runtime/seccomp/seccomp.ts";

/** A name that no container can have. */
const CACHE = ",seccomp";

export function compiled(spec: Spec, root: string, features: Features): Spec {
  const { seccomp } = spec.linux;
  if (seccomp === undefined) return spec;
  const program = compiledSeccomp(seccomp, features.boundingSet, features, {
    cacheDirectory: `${root}/${CACHE}`,
  });
  return { ...spec, linux: { ...spec.linux, seccomp: program } };
}
