/** What all CPUs of the machine have done: proc(5) /proc/stat. */
import { readFileSync } from "node:fs";

/** USER_HZ, which the kernel's interfaces count in whatever its own clock does. */
const TICK_NS = 10_000_000;

export interface CpuTime {
  /** Busy or idle, of all CPUs together. */
  readonly totalNs: number;
  readonly online: number;
}

export function cpuTime(): CpuTime {
  return parseCpuTime(readFileSync("/proc/stat", "latin1"));
}

/** user, nice, system, idle, iowait, irq, softirq: docker's sum (moby daemon/stats). */
export function parseCpuTime(text: string): CpuTime {
  const [, fields = ""] = /^cpu +(.*)$/m.exec(text) ?? [];
  const ticks = fields.split(" ").slice(0, 7).map(Number);
  return {
    totalNs: ticks.reduce((sum, value) => sum + value, 0) * TICK_NS,
    online: text.match(/^cpu\d/gm)?.length ?? 0,
  };
}
