/** Which namespaces are new, which exist and are joined, and when. */
import { BerthError } from "../lib/error.ts";
import type { Op } from "./op.ts";
import type { Namespace, NamespaceType, Spec } from "./spec.ts";

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
}

/** All but the user namespace, which is plan-user.ts's. A pid namespace is joined before the clone, since only children enter it. A new cgroup namespace is made after joining the groups it shall show as the root. */
export function namespaceOps(spec: Spec): NamespaceOps {
  const { namespaces } = spec.linux;
  for (const namespace of namespaces) check(namespace);
  const made = namespaces.filter(({ path }) => path === undefined).map(({ type }) => type);
  if (!made.includes("mount"))
    throw new BerthError(
      "unsupported",
      "berth does not run containers without a mount namespace of their own",
    );
  const joined = namespaces.flatMap(({ type, path }) =>
    path === undefined || type === "user" ? [] : [{ type, path }],
  );
  const join = ({ type, path }: { type: NamespaceType; path: string }): Op => ({
    op: "join",
    path,
    type: CLONE[type],
  });
  const cgroup: Op[] = made.includes("cgroup") ? [{ op: "unshare", flags: CLONE.cgroup }] : [];
  return {
    beforeClone: joined.filter(({ type }) => type === "pid").map(join),
    cloneFlags: made
      .filter((type) => type !== "cgroup" && type !== "user")
      .reduce((flags, type) => flags | CLONE[type], 0),
    afterClone: [...joined.filter(({ type }) => type !== "pid").map(join), ...cgroup],
  };
}

function check({ type, path }: Namespace): void {
  if (!(type in CLONE)) throw new BerthError("invalid", `unknown namespace type "${String(type)}"`);
  if (type === "time" || (type === "mount" && path !== undefined))
    throw new BerthError(
      "unsupported",
      `berth does not support ${path === undefined ? "" : "joining "}${type} namespaces yet`,
    );
}
