/** Control groups in the launch plan: made and limited by the shim before the clone, joined by the child right after it. */
import type { DeviceRule, Resources } from "../kernel/cgroup-resources.ts";
import { type CgroupPlan, planCgroup } from "../kernel/cgroups.ts";
import type { Features } from "../kernel/features.ts";
import { DEFAULT_DEVICE_RULES } from "./defaults.ts";
import type { Op } from "./op.ts";
import type { Spec } from "./spec.ts";

/** Undefined where the specification names none. Without control groups a limit is refused, the rest goes on without. */
export function cgroupPlanOf(spec: Spec, features: Features): CgroupPlan | undefined {
  const path = spec.linux.cgroupsPath;
  if (path === undefined) return undefined;
  return planCgroup(features.cgroups, path, withDefaultDevices(spec.linux.resources ?? {}));
}

/** As runc does: what the default devices need is allowed behind the specification's own rules. */
function withDefaultDevices(resources: Resources): Resources {
  const rules = resources.devices ?? [];
  if (rules.every(isAllowAll)) return { ...resources, devices: [] };
  const known = new Set(rules.map(ruleText));
  return {
    ...resources,
    devices: [...rules, ...DEFAULT_DEVICE_RULES.filter((rule) => !known.has(ruleText(rule)))],
  };
}

/** A new group allows everything: saying so again would only cost time. */
function isAllowAll({ allow, type, major, minor }: DeviceRule): boolean {
  return allow && (type ?? "a") === "a" && (major ?? -1) === -1 && (minor ?? -1) === -1;
}

function ruleText({ allow, type, major, minor, access }: DeviceRule): string {
  return [allow, type, major ?? -1, minor ?? -1, access].join(" ");
}

/** Before the clone. */
export function makeCgroupOps(plan: CgroupPlan): Op[] {
  return [
    ...plan.directories.map((path): Op => ({ op: "mkdir", path, mode: 0o755, existOk: true })),
    ...plan.writes.map((write): Op => ({ op: "write", ...write })),
  ];
}

/** Behind the clone: the process alone moves itself; anybody else would wait for an RCU grace period. */
export function joinCgroupOps(tasks: readonly string[]): Op[] {
  return tasks.map((path) => ({ op: "write", path, data: "0", optional: false }));
}
