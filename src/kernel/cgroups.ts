/** A container's control groups: one directory in every hierarchy, the limits as writes. Pure; the launch plan performs it. */
import { existsSync, readFileSync } from "node:fs";
import { BerthError } from "../lib/error.ts";
import type { CgroupLayout } from "./cgroup-layout.ts";
import type { DeviceRule, Resources } from "./cgroup-resources.ts";
import { checkResources } from "./cgroup-checks.ts";
import { v1Writes } from "./cgroup-v1.ts";
import { v2Writes } from "./cgroup-v2.ts";
import type { CgroupWrite } from "./cgroup-write.ts";

export {
  cgroupDirectories,
  entryGroup,
  freeze,
  isFrozen,
  killCgroup,
  listCgroups,
  prepareCgroupParent,
  occupants,
  processes,
  removeCgroup,
  thaw,
} from "./cgroup-control.ts";

export interface CgroupPlan {
  /** To be made, in this order; their parents exist. */
  readonly directories: readonly string[];
  readonly writes: readonly CgroupWrite[];
  /** The process itself writes "0" to each: no other way to join is free of an RCU grace period. */
  readonly v1Tasks: readonly string[];
  /** The process is born here (CLONE_INTO_CGROUP). In hybrid mode it has no controllers, but can be killed and frozen as a whole. */
  readonly v2Directory?: string;
  /** Has a line "oom_kill N". */
  readonly oomCounterFile?: string;
  /** To be attached to the version 2 directory: there devices are ruled by a program, not by a file. */
  readonly deviceProgram?: readonly DeviceRule[];
}

/** What a hierarchy calls the controller that a resource needs, and how people call the resource. */
const CONTROLLERS = {
  memory: ["memory", "memory"],
  cpu: ["cpu", "CPU time"],
  cpuset: ["cpuset", "CPUs or memory nodes"],
  pids: ["pids", "the number of processes"],
  block: ["blkio", "block devices"],
  hugetlb: ["hugetlb", "huge pages"],
  class: ["net_cls", "the class of network traffic"],
  priority: ["net_prio", "the priority of network traffic"],
  rdma: ["rdma", "RDMA resources"],
} as const;
const V2_NAMES: Readonly<Record<string, string>> = { blkio: "io" };

export type LimitKind = keyof typeof CONTROLLERS;

/** Where one controller is: in a version 1 hierarchy, in version 2, or nowhere. */
export function controllerPlace(layout: CgroupLayout, controller: string): "v1" | "v2" | undefined {
  if (layout.v1[controller] !== undefined) return "v1";
  return layout.v2?.controllers.includes(V2_NAMES[controller] ?? controller) === true ? "v2" : undefined;
}

/** `path` is the group below the root of each hierarchy: `/berth/<id>`. Throws `unavailable` for a limit that no controller can keep. */
export function planCgroup(layout: CgroupLayout, path: string, resources: Resources = {}): CgroupPlan {
  checkResources(resources);
  for (const kind of limitKinds(resources)) requireController(layout, kind);
  const v1 = layout.hierarchies.map(({ mountpoint }) => mountpoint + path);
  const v2 = layout.v2 && layout.v2.mountpoint + path;
  if (resources.unified !== undefined && v2 === undefined)
    throw new BerthError(
      "unavailable",
      "unified cgroup settings need cgroup version 2, which is not mounted",
    );
  const oomCounterFile = oomCounter(layout, path);
  const rules = resources.devices ?? [];
  return {
    directories: [...v1, ...(v2 === undefined ? [] : [v2])],
    writes: [...v1Writes(layout, path, resources), ...v2Writes(layout, path, resources)],
    v1Tasks: v1.map((directory) => `${directory}/tasks`),
    ...(v2 === undefined ? {} : { v2Directory: v2 }),
    ...(oomCounterFile === undefined ? {} : { oomCounterFile }),
    ...(rules.length > 0 && layout.v1["devices"] === undefined && v2 !== undefined
      ? { deviceProgram: rules }
      : {}),
  };
}

function limitKinds({ memory, cpu, pids, blockIO, hugepageLimits, network, rdma }: Resources): LimitKind[] {
  const asked: [LimitKind, boolean][] = [
    ["memory", isSet(memory) || memory?.swappiness !== undefined],
    ["cpu", isSet({ ...cpu, cpus: undefined, mems: undefined })],
    ["cpuset", isSet({ cpus: cpu?.cpus, mems: cpu?.mems })],
    ["pids", pids !== undefined && pids.limit > 0],
    ["block", isSet(blockIO)],
    ["hugetlb", (hugepageLimits ?? []).length > 0],
    ["class", isSet({ classID: network?.classID })],
    ["priority", (network?.priorities ?? []).length > 0],
    ["rdma", isSet(rdma)],
  ];
  return asked.filter(([, wanted]) => wanted).map(([kind]) => kind);
}

/** Whether something is asked for: 0, "", false and an empty list are what Go programs write for "nothing". */
function isSet(part: object | undefined): boolean {
  return Object.values(part ?? {}).some((value: unknown) =>
    Array.isArray(value) ? value.length > 0 : Boolean(value),
  );
}

function requireController(layout: CgroupLayout, kind: LimitKind): void {
  const [controller, what] = CONTROLLERS[kind];
  if (controllerPlace(layout, controller) !== undefined) return;
  throw new BerthError(
    "unavailable",
    `cannot limit ${what}: the cgroup controller "${controller}" is not mounted on this machine (see /proc/cgroups)`,
  );
}

function oomCounter(layout: CgroupLayout, path: string): string | undefined {
  const place = controllerPlace(layout, "memory");
  if (place === "v1") return `${layout.v1["memory"]}${path}/memory.oom_control`;
  return place === "v2" ? `${layout.v2?.mountpoint}${path}/memory.events` : undefined;
}

/** How many processes of the group the kernel has killed for want of memory. */
export function oomKills(layout: CgroupLayout, path: string): number {
  const file = oomCounter(layout, path);
  if (file === undefined || !existsSync(file)) return 0;
  return Number(/^oom_kill (\d+)/m.exec(readFileSync(file, "utf8"))?.[1] ?? 0);
}
