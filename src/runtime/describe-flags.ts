/** Flags of mounts by the names that the man pages give them. */

const MOUNT_FLAGS: readonly (readonly [flag: number, name: string])[] = [
  [1, "RDONLY"],
  [2, "NOSUID"],
  [4, "NODEV"],
  [8, "NOEXEC"],
  [1024, "NOATIME"],
  [2048, "NODIRATIME"],
  [4096, "BIND"],
  [16384, "REC"],
  [1 << 17, "UNBINDABLE"],
  [1 << 18, "PRIVATE"],
  [1 << 19, "SLAVE"],
  [1 << 20, "SHARED"],
  [1 << 24, "STRICTATIME"],
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
export const mountAttributes = (flags: number) => names(ATTRIBUTES, "MOUNT_ATTR_", flags);
