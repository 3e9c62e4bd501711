/** What may be mounted over /proc: it could make a program believe things about the system, and a runtime write somewhere else. */
import { BerthError } from "../lib/error.ts";

/** Files that tools like lxcfs put their own over; runc's list (rootfs_linux.go, checkProcMount). */
const PROC_FILES = new Set(
  "cpuinfo diskstats meminfo stat swaps uptime loadavg slabinfo net/dev sys/kernel/ns_last_pid sys/crypto/fips_enabled"
    .split(" ")
    .map((name) => `/proc/${name}`),
);

/** `destination` is absolute and clean. A bind onto /proc itself must be of a procfs; the shim looks (CVE-2019-16884, CVE-2019-19921). */
export function requireMountable(destination: string, type: string): void {
  if (destination !== "/proc" && !destination.startsWith("/proc/")) return;
  if (destination === "/proc" ? type === "proc" || type === "bind" : PROC_FILES.has(destination)) return;
  throw new BerthError(
    "invalid",
    destination === "/proc"
      ? `"/proc" cannot be mounted because it is not of type proc`
      : `"${destination}" cannot be mounted because it is inside /proc`,
  );
}
