/** What a control group has used: the counters of every controller, from version 1 and 2 in the same words. */
import type { CgroupStats } from "./cgroup-counters.ts";
import type { CgroupLayout } from "./cgroup-layout.ts";
import { v1Stats } from "./cgroup-stats-v1.ts";
import { v2Stats } from "./cgroup-stats-v2.ts";

/** `path` as for planCgroup. Reads nothing but files; a group that is gone has used nothing. */
export function cgroupStats(layout: CgroupLayout, path: string): CgroupStats {
  return { ...v2Stats(layout, path), ...v1Stats(layout, path) };
}
