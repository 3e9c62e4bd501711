/** Flags of mounts by the names that the man pages give them. */
import type { AttributeStep } from "./mount-steps.ts";

const MOUNT_FLAGS: readonly (readonly [flag: number, name: string])[] = [
  [1, "RDONLY"],
  [2, "NOSUID"],
  [4, "NODEV"],
  [8, "NOEXEC"],
  [16, "SYNCHRONOUS"],
  [64, "MANDLOCK"],
  [128, "DIRSYNC"],
  [256, "NOSYMFOLLOW"],
  [1024, "NOATIME"],
  [2048, "NODIRATIME"],
  [4096, "BIND"],
  [16384, "REC"],
  [32768, "SILENT"],
  [1 << 17, "UNBINDABLE"],
  [1 << 18, "PRIVATE"],
  [1 << 19, "SLAVE"],
  [1 << 20, "SHARED"],
  [1 << 23, "I_VERSION"],
  [1 << 24, "STRICTATIME"],
  [1 << 25, "LAZYTIME"],
];
const ATTRIBUTES: typeof MOUNT_FLAGS = [
  [1, "RDONLY"],
  [2, "NOSUID"],
  [4, "NODEV"],
  [8, "NOEXEC"],
  [0x10, "NOATIME"],
  [0x20, "STRICTATIME"],
  [0x80, "NODIRATIME"],
  [0x200000, "NOSYMFOLLOW"],
];

function names(table: typeof MOUNT_FLAGS, prefix: string, flags: number): string {
  const set = table.filter(([flag]) => (flags & flag) !== 0);
  return set.map(([, name]) => prefix + name).join("|") || "0";
}

export const mountFlags = (flags: number) => names(MOUNT_FLAGS, "MS_", flags);

/** `AT_RECURSIVE, MOUNT_ATTR_RDONLY, MS_PRIVATE`. */
export function stepText({ recursive, set, clear, propagation }: AttributeStep): string {
  return [
    ...(recursive ? ["AT_RECURSIVE"] : []),
    ...(set === 0 ? [] : [names(ATTRIBUTES, "MOUNT_ATTR_", set)]),
    ...(clear === 0 ? [] : [`without ${names(ATTRIBUTES, "MOUNT_ATTR_", clear)}`]),
    ...(propagation === 0 ? [] : [mountFlags(propagation)]),
  ].join(", ");
}
