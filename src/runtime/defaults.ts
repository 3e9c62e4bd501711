/** What docker gives every container that asks for nothing: moby daemon/pkg/oci/defaults.go and runc's AllowedDevices. */
import type { DeviceRule } from "../kernel/cgroup-resources.ts";
import { DEFAULT_CAPABILITIES } from "./capabilities.ts";
import type { Device, Mount, Namespace } from "./spec.ts";

export interface DefaultSpec {
  readonly capabilities: readonly string[];
  readonly mounts: readonly Mount[];
  readonly namespaces: readonly Namespace[];
  readonly maskedPaths: readonly string[];
  readonly readonlyPaths: readonly string[];
  /** Nothing is allowed; the runtime adds what the default devices need. */
  readonly deviceRules: readonly DeviceRule[];
}

export interface DefaultOptions {
  /** Bytes of /dev/shm. */
  readonly shmSize?: number;
  /** How many CPUs have a thermal_throttle directory that is to be masked. */
  readonly cpus?: number;
}

export const DEFAULT_SHM_SIZE = 64 << 20;

export function defaultSpec({ shmSize = DEFAULT_SHM_SIZE, cpus = 0 }: DefaultOptions = {}): DefaultSpec {
  return {
    capabilities: DEFAULT_CAPABILITIES,
    mounts: [
      { destination: "/proc", type: "proc", source: "proc", options: ["nosuid", "noexec", "nodev"] },
      {
        destination: "/dev",
        type: "tmpfs",
        source: "tmpfs",
        options: ["nosuid", "strictatime", "mode=755", "size=65536k"],
      },
      {
        destination: "/dev/pts",
        type: "devpts",
        source: "devpts",
        options: ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"],
      },
      { destination: "/sys", type: "sysfs", source: "sysfs", options: ["nosuid", "noexec", "nodev", "ro"] },
      {
        destination: "/sys/fs/cgroup",
        type: "cgroup",
        source: "cgroup",
        options: ["nosuid", "noexec", "nodev", "ro"],
      },
      {
        destination: "/dev/mqueue",
        type: "mqueue",
        source: "mqueue",
        options: ["nosuid", "noexec", "nodev"],
      },
      {
        destination: "/dev/shm",
        type: "tmpfs",
        source: "shm",
        options: ["nosuid", "noexec", "nodev", "mode=1777", `size=${shmSize}`],
      },
    ],
    namespaces: ["mount", "network", "uts", "pid", "ipc"].map((type) => ({ type }) as Namespace),
    maskedPaths: [
      ...MASKED,
      ...Array.from({ length: cpus }, (_, cpu) => `/sys/devices/system/cpu/cpu${cpu}/thermal_throttle`),
    ],
    readonlyPaths: ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"],
    deviceRules: [{ allow: false, type: "a", access: "rwm" }],
  };
}

const MASKED = [
  "/proc/acpi",
  "/proc/asound",
  "/proc/interrupts",
  "/proc/kcore",
  "/proc/keys",
  "/proc/latency_stats",
  "/proc/sched_debug",
  "/proc/scsi",
  "/proc/timer_list",
  "/proc/timer_stats",
  "/sys/devices/virtual/powercap",
  "/sys/firmware",
];

const node = (name: string, major: number, minor: number): Device => ({
  type: "c",
  path: `/dev/${name}`,
  major,
  minor,
  fileMode: 0o666,
});

/** Made in every container; OCI runtime specification, "Default Devices". */
export const DEFAULT_DEVICES: readonly Device[] = [
  node("null", 1, 3),
  node("zero", 1, 5),
  node("full", 1, 7),
  node("random", 1, 8),
  node("urandom", 1, 9),
  node("tty", 5, 0),
];

const allow = (major: number, minor: number): DeviceRule => ({
  allow: true,
  type: "c",
  major,
  minor,
  access: "rwm",
});

/** Making any node is harmless: what cannot be opened can be made. 136:* are the terminals of devpts. */
export const DEFAULT_DEVICE_RULES: readonly DeviceRule[] = [
  { allow: true, type: "c", major: -1, minor: -1, access: "m" },
  { allow: true, type: "b", major: -1, minor: -1, access: "m" },
  allow(1, 3),
  allow(1, 5),
  allow(1, 7),
  allow(1, 8),
  allow(1, 9),
  allow(5, 0),
  allow(5, 1),
  allow(5, 2),
  allow(136, -1),
];
