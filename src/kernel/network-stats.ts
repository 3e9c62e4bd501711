/** What the interfaces of a process's network namespace have carried: proc(5) /proc/PID/net/dev. */
import { readFileSync } from "node:fs";
import { hasErrno } from "./error.ts";

export interface InterfaceStats {
  readonly name: string;
  readonly received: TrafficStats;
  readonly sent: TrafficStats;
}

export interface TrafficStats {
  readonly bytes: number;
  readonly packets: number;
  readonly errors: number;
  readonly dropped: number;
}

/** Without the loopback device. Empty when the process is gone. */
export function networkStats(pid: number): InterfaceStats[] {
  try {
    return parseNetworkStats(readFileSync(`/proc/${pid}/net/dev`, "utf8"));
  } catch (error) {
    if (hasErrno(error, 2, 3, 22)) return [];
    throw error;
  }
}

/** Two lines of headings, then `name: ` and eight numbers for each direction. */
export function parseNetworkStats(text: string): InterfaceStats[] {
  return text
    .split("\n")
    .slice(2)
    .flatMap((line) => {
      const [, name = "", numbers] = /^\s*(\S+):\s*(.*)$/.exec(line) ?? [];
      if (numbers === undefined || name === "lo") return [];
      const values = numbers.split(/\s+/).map(Number);
      return [{ name, received: traffic(values), sent: traffic(values.slice(8)) }];
    });
}

function traffic([bytes = 0, packets = 0, errors = 0, dropped = 0]: readonly number[]): TrafficStats {
  return { bytes, packets, errors, dropped };
}
