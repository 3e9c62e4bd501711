/** What stands in /dev: the devices every program expects, those that were asked for, and names for the standard streams. */
import { resolve } from "node:path/posix";
import { BerthError } from "../lib/error.ts";
import { DEFAULT_DEVICES } from "./defaults.ts";
import { isBind, MS_RDONLY, type PlannedMount } from "./mount-options.ts";
import type { Op } from "./op.ts";
import type { Device, Spec } from "./spec.ts";

/** The devices are ours to make unless /dev is something of the host; without a mount they are made in the root file system. */
export function hasOwnDev(mounts: readonly PlannedMount[]): boolean {
  return !mounts.some((planned) => planned.mount.destination === "/dev" && isBind(planned));
}

/** Made so when all is in it. */
export function isReadOnlyDev(mounts: readonly PlannedMount[]): boolean {
  const dev = mounts.find(({ mount }) => mount.destination === "/dev");
  return dev !== undefined && !isBind(dev) && (dev.options.flags & MS_RDONLY) !== 0;
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
    [...DEFAULT_DEVICES, ...(spec.linux.devices ?? [])].map((device) => [resolve("/", device.path), device]),
  );
  return [
    ...[...devices].map(([path, device]) => mknodOp(path, device)),
    ...LINKS.map(([path, target]): Op => ({ op: "symlink", target, path })),
  ];
}

const KINDS = { c: 0o020000, u: 0o020000, b: 0o060000, p: 0o010000 } as const;

function mknodOp(path: string, { type, major, minor, fileMode = 0o666, uid = 0, gid = 0 }: Device): Op {
  if (!Object.hasOwn(KINDS, type))
    throw new BerthError("invalid", `"${String(type)}" is not a valid device type for device ${path}`);
  if (type === "p")
    return { op: "mknod", path, mode: KINDS.p | (fileMode & 0o7777), major: 0, minor: 0, uid, gid };
  if (major === undefined || minor === undefined)
    throw new BerthError("invalid", `device ${path}: major and minor number are missing`);
  return { op: "mknod", path, mode: KINDS[type] | (fileMode & 0o7777), major, minor, uid, gid };
}
