/** Which control group a container gets. */
import { existsSync, readFileSync } from "node:fs";
import { occupants, prepareCgroupParent } from "../kernel/cgroups.ts";
import type { CgroupLayout } from "../kernel/cgroup-layout.ts";
import { BerthError } from "../lib/error.ts";
import type { Spec } from "../runtime/spec.ts";

/** A relative path, or none, is below the root of every hierarchy. */
export function withCgroup(spec: Spec, id: string): Spec {
  const asked = spec.linux.cgroupsPath || id;
  const cgroupsPath = `/${asked.split("/").filter(isName).join("/")}`;
  return { ...spec, linux: { ...spec.linux, cgroupsPath } };
}

/**
 * What is in the group when the container is deleted is killed: it must be empty when it is made, and it is never the root of the
 * hierarchies. The words are those of runc 1.2.
 */
export function demandFree(layout: CgroupLayout, path: string): void {
  if (path === "/")
    throw new BerthError(
      "invalid",
      "linux.cgroupsPath is the root of the control groups: name a group below it",
    );
  const { length } = occupants(layout, path);
  if (length > 0)
    throw new BerthError("conflict", `container's cgroup is not empty: ${length} process(es) found`);
}

const isName = (part: string) => part !== "" && part !== "." && part !== "..";

/** Makes what the group is made in, where that is not there yet. */
export function prepareParent(layout: CgroupLayout, path: string): void {
  const parent = path.slice(0, path.lastIndexOf("/"));
  const places = [
    ...layout.hierarchies.map(({ mountpoint }) => mountpoint),
    ...(layout.v2 ? [layout.v2.mountpoint] : []),
  ];
  if (parent === "" && layout.v2?.controllers.length === 0) return;
  if (parent !== "" && places.every((place) => existsSync(place + parent))) return;
  prepareCgroupParent(layout, parent);
}

/** Directly below the root of a version 1 hierarchy nobody passes CPUs down: a new group has none, and takes no process. */
export function withCpus(spec: Spec, layout: CgroupLayout): Spec {
  const { cpuset } = layout.v1;
  const path = spec.linux.cgroupsPath ?? "";
  const parent = path.slice(0, path.lastIndexOf("/"));
  if (cpuset === undefined || read(`${cpuset}${parent}/cgroup.clone_children`) === "1") return spec;
  const { resources } = spec.linux;
  const cpus = resources?.cpu?.cpus ?? read(`${cpuset}${parent}/cpuset.cpus`);
  const mems = resources?.cpu?.mems ?? read(`${cpuset}${parent}/cpuset.mems`);
  const cpu = { ...resources?.cpu, cpus, mems };
  return { ...spec, linux: { ...spec.linux, resources: { ...resources, cpu } } };
}

const read = (path: string) => readFileSync(path, "utf8").trim();
