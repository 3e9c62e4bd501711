/** What the scripts of a launch and of an exec have in common. */
import { quote } from "./explain-commands.ts";
import type { Op } from "./op.ts";

type Of<Name extends Op["op"]> = Extract<Op, { op: Name }>;

export function all<Name extends Op["op"]>(ops: readonly Op[], name: Name): Of<Name>[] {
  return ops.filter((op): op is Of<Name> => op.op === name);
}

export const HEAD = `#!/bin/sh
# What berth asks of the kernel, as ordinary commands (util-linux, coreutils, iproute2). Run it as root.
set -eu
`;

/** The shell that becomes the container joins the groups; with version 1 by its own hand. */
export function joins(ops: readonly Op[]): string[] {
  const clone = all(ops, "clone")[0];
  const tasks = all(ops, "write").filter(({ path }) => path.endsWith("/tasks"));
  const own = tasks.map(({ path }) => `echo 0 >${quote(path)}`);
  return clone === undefined || clone.cgroup === ""
    ? own
    : [...own, `echo 0 >${quote(`${clone.cgroup}/cgroup.procs`)}`];
}

export const NSENTER: Readonly<Record<string, string>> = {
  mount: "mount",
  uts: "uts",
  ipc: "ipc",
  network: "net",
  pid: "pid",
  cgroup: "cgroup",
  time: "time",
};

/** Numbers only: a name is looked up in the image, which takes the shim. */
export function identity(ops: readonly Op[]): string {
  const [, uid, gid] = /^(\d+)(?::(\d+))?$/.exec(all(ops, "user")[0]?.user ?? "") ?? [];
  return uid === undefined ? "" : ` --setgid=${gid ?? "0"} --setuid=${uid}`;
}
