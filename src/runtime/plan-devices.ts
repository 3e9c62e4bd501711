/** What stands in /dev: the devices every program expects, those that were asked for, and names for the standard streams. */
import { DEFAULT_DEVICES } from "./defaults.ts";
import type { Op } from "./op.ts";
import type { Device, Mount, Spec } from "./spec.ts";

/** The devices are ours to make unless /dev is something of the host. */
export function hasOwnDev(mounts: readonly Mount[]): boolean {
  return mounts.some(({ destination, type }) => destination === "/dev" && type === "tmpfs");
}

export function isReadOnlyDev(mounts: readonly Mount[]): boolean {
  return (
    hasOwnDev(mounts) &&
    mounts.some(({ destination, options }) => destination === "/dev" && options?.includes("ro"))
  );
}

const LINKS: readonly (readonly [path: string, target: string])[] = [
  ["/dev/fd", "/proc/self/fd"],
  ["/dev/stdin", "/proc/self/fd/0"],
  ["/dev/stdout", "/proc/self/fd/1"],
  ["/dev/stderr", "/proc/self/fd/2"],
  ["/dev/core", "/proc/kcore"],
  ["/dev/ptmx", "pts/ptmx"],
];

export function deviceOps(spec: Spec): Op[] {
  const devices = new Map(
    [...DEFAULT_DEVICES, ...(spec.linux.devices ?? [])].map((device) => [device.path, device]),
  );
  return [
    ...[...devices.values()].map(mknodOp),
    ...LINKS.map(([path, target]): Op => ({ op: "symlink", target, path })),
  ];
}

const KINDS = { c: 0o020000, u: 0o020000, b: 0o060000, p: 0o010000 } as const;

function mknodOp({ type, path, major = 0, minor = 0, fileMode = 0o666, uid = 0, gid = 0 }: Device): Op {
  return { op: "mknod", path, mode: KINDS[type] | (fileMode & 0o7777), major, minor, uid, gid };
}
