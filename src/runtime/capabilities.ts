/** Capabilities: the kernel's numbers by name (linux/capability.h), and sets of them as bit masks. */
import { BerthError } from "../lib/error.ts";

/** In the order of their numbers. */
const NAMES = [
  "CHOWN",
  "DAC_OVERRIDE",
  "DAC_READ_SEARCH",
  "FOWNER",
  "FSETID",
  "KILL",
  "SETGID",
  "SETUID",
  "SETPCAP",
  "LINUX_IMMUTABLE",
  "NET_BIND_SERVICE",
  "NET_BROADCAST",
  "NET_ADMIN",
  "NET_RAW",
  "IPC_LOCK",
  "IPC_OWNER",
  "SYS_MODULE",
  "SYS_RAWIO",
  "SYS_CHROOT",
  "SYS_PTRACE",
  "SYS_PACCT",
  "SYS_ADMIN",
  "SYS_BOOT",
  "SYS_NICE",
  "SYS_RESOURCE",
  "SYS_TIME",
  "SYS_TTY_CONFIG",
  "MKNOD",
  "LEASE",
  "AUDIT_WRITE",
  "AUDIT_CONTROL",
  "SETFCAP",
  "MAC_OVERRIDE",
  "MAC_ADMIN",
  "SYSLOG",
  "WAKE_ALARM",
  "BLOCK_SUSPEND",
  "AUDIT_READ",
  "PERFMON",
  "BPF",
  "CHECKPOINT_RESTORE",
] as const;

/** Every name with its prefix, `CAP_CHOWN` first. */
export const CAPABILITIES: readonly string[] = NAMES.map((name) => `CAP_${name}`);
const BITS = new Map(CAPABILITIES.map((name, bit) => [name, 1n << BigInt(bit)]));

/** Throws `invalid` for a name the kernel does not have. */
export function capabilityMask(names: readonly string[]): bigint {
  let mask = 0n;
  for (const name of names) {
    const bit = BITS.get(name);
    if (bit === undefined) throw new BerthError("invalid", `unknown capability "${name}"`);
    mask |= bit;
  }
  return mask;
}

/** Whether the kernel that berth knows has one of this name. */
export function isCapability(name: string): boolean {
  return BITS.has(name);
}

export function capabilityNames(mask: bigint): string[] {
  return CAPABILITIES.filter((name) => (mask & (BITS.get(name) ?? 0n)) !== 0n);
}

/** Docker's default set; moby daemon/pkg/oci/caps/defaults.go. */
export const DEFAULT_CAPABILITIES: readonly string[] = [
  "CAP_CHOWN",
  "CAP_DAC_OVERRIDE",
  "CAP_FSETID",
  "CAP_FOWNER",
  "CAP_MKNOD",
  "CAP_NET_RAW",
  "CAP_SETGID",
  "CAP_SETUID",
  "CAP_SETFCAP",
  "CAP_SETPCAP",
  "CAP_NET_BIND_SERVICE",
  "CAP_SYS_CHROOT",
  "CAP_KILL",
  "CAP_AUDIT_WRITE",
];
