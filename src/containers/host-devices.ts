/** Device nodes of the host. */
import { type BigIntStats, readdirSync, statSync } from "node:fs";
import type { Device } from "../runtime/spec.ts";

/** Those that every container has of its own, and what only means something on the host. */
const SKIPPED = new Set(["pts", "shm", "fd", "mqueue", "console", ".lxc", ".lxd-mounts", ".udev"]);

/** The device at `path`, or all below the directory `path`; undefined when nothing is there. */
export function findDevices(path: string): Device[] | undefined {
  const stat = statSync(path, { bigint: true, throwIfNoEntry: false });
  if (stat === undefined) return undefined;
  if (!stat.isDirectory()) return toDevice(path, stat);
  return readdirSync(path, { withFileTypes: true })
    .filter((entry) => !SKIPPED.has(entry.name) && !entry.isSymbolicLink())
    .flatMap((entry) => (entry.isFile() ? [] : (findDevices(`${path}/${entry.name}`) ?? [])));
}

function toDevice(path: string, stat: BigIntStats): Device[] {
  const type = stat.isBlockDevice() ? "b" : stat.isCharacterDevice() ? "c" : undefined;
  if (type === undefined) return [];
  const { major, minor } = deviceNumber(stat.rdev);
  const fileMode = Number(stat.mode & 0o7777n);
  return [{ type, path, major, minor, fileMode, uid: Number(stat.uid), gid: Number(stat.gid) }];
}

/** As glibc's gnu_dev_major and gnu_dev_minor. */
function deviceNumber(rdev: bigint): { major: number; minor: number } {
  return {
    major: Number(((rdev >> 8n) & 0xfffn) | ((rdev >> 32n) & 0xfffff000n)),
    minor: Number((rdev & 0xffn) | ((rdev >> 12n) & 0xffffff00n)),
  };
}

/** Numbers of the block or character device at `path`, for i/o limits; undefined when there is none. */
export function deviceAt(path: string): { major: number; minor: number } | undefined {
  const stat = statSync(path, { bigint: true, throwIfNoEntry: false });
  return stat === undefined || stat.rdev === 0n ? undefined : deviceNumber(stat.rdev);
}
