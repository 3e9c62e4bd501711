/** Control groups that exist: their parents, who is in them, freezing, killing, removing. Paths are those below each hierarchy's root. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { BerthError } from "../lib/error.ts";
import type { CgroupLayout } from "./cgroup-layout.ts";
import { hasErrno, KernelError } from "./error.ts";
import { kill } from "./processes.ts";

const ENOENT = 2;
const ESRCH = 3;
const EBUSY = 16;
const ENODEV = 19;
const ENOTEMPTY = 39;
const SIGKILL = 9;
const PATIENCE_MS = 2000;

/** Every directory that `path` stands for, version 2 last. */
export function cgroupDirectories(layout: CgroupLayout, path: string): string[] {
  const places = layout.hierarchies.map(({ mountpoint }) => mountpoint + path);
  return layout.v2 === undefined ? places : [...places, layout.v2.mountpoint + path];
}

/** Makes what containers' groups are made in: CPUs and memory nodes passed down, controllers switched on. Once in an engine's life. */
export function prepareCgroupParent(layout: CgroupLayout, path: string): void {
  for (const directory of cgroupDirectories(layout, path)) mkdirSync(directory, { recursive: true });
  const levels = path
    .split("/")
    .slice(1)
    .map((_, index, names) => `/${names.slice(0, index + 1).join("/")}`);
  const { cpuset } = layout.v1;
  if (cpuset !== undefined) for (const level of levels) inheritCpus(cpuset, level);
  const { v2 } = layout;
  if (v2 === undefined || v2.controllers.length === 0) return;
  evacuate(v2.mountpoint);
  for (const level of ["", ...levels]) enableControllers(v2.mountpoint + level, v2.controllers);
}

const EVACUATIONS = 10;

/**
 * In a container the root of what we see is a group like any other: with processes in it, it passes no controller on but those for
 * threads, and with these no process could be born below. So they move into one of their own, as moby's hack/dind does.
 */
function evacuate(root: string): void {
  if (!existsSync(`${root}/cgroup.type`)) return; // the kernel's own root may have processes
  for (let round = 0; round < EVACUATIONS; round += 1) {
    const pids = ownPids(root).filter((pid) => pid !== 0); // 0: one of another pid namespace
    if (pids.length === 0) return;
    mkdirSync(`${root}/init`, { recursive: true });
    for (const pid of pids) moveProcess(pid, `${root}/init`);
  }
}

function moveProcess(pid: number, directory: string): void {
  try {
    write(`${directory}/cgroup.procs`, String(pid));
  } catch (error) {
    if (!(error instanceof KernelError)) throw error; // it has ended; or limits will be refused later, by their file
  }
}

/** A new group of version 1 has no CPUs at all; with clone_children the kernel copies them into those below. */
function inheritCpus(hierarchy: string, path: string): void {
  const parent = hierarchy + path.slice(0, path.lastIndexOf("/"));
  for (const file of ["cpuset.cpus", "cpuset.mems"]) {
    if (readFileSync(`${hierarchy}${path}/${file}`, "utf8").trim() !== "") continue;
    write(`${hierarchy}${path}/${file}`, readFileSync(`${parent}/${file}`, "utf8").trim());
  }
  write(`${hierarchy}${path}/cgroup.clone_children`, "1");
}

/** One at a time: a controller that cannot be passed on must not hinder the others. */
function enableControllers(directory: string, controllers: readonly string[]): void {
  if (existsSync(`${directory}/cgroup.type`) && ownPids(directory).length > 0) return; // see evacuate()
  const enabled = readFileSync(`${directory}/cgroup.subtree_control`, "utf8").split(/\s+/);
  for (const controller of controllers.filter((name) => !enabled.includes(name))) {
    try {
      write(`${directory}/cgroup.subtree_control`, `+${controller}`);
    } catch (error) {
      if (!(error instanceof KernelError)) throw error; // using that controller fails later, and says which
    }
  }
}

function write(path: string, data: string): void {
  try {
    writeFileSync(path, data);
  } catch (error) {
    if (error instanceof Error && "errno" in error)
      throw new KernelError("write", path, Math.abs(Number(error.errno)));
    throw error;
  }
}

/** The directory that answers best for the group as a whole. */
function mainDirectory(layout: CgroupLayout, path: string): string | undefined {
  const place =
    layout.v2?.mountpoint ?? layout.v1["freezer"] ?? layout.v1["pids"] ?? layout.hierarchies[0]?.mountpoint;
  return place === undefined ? undefined : place + path;
}

/** Process ids as we see them; empty when the group is gone. */
export function processes(layout: CgroupLayout, path: string): number[] {
  const directory = mainDirectory(layout, path);
  return directory === undefined ? [] : pidsBelow(directory);
}

/** Whoever is in a group of that path, or below it, in whichever hierarchy. */
export function occupants(layout: CgroupLayout, path: string): number[] {
  return [...new Set(cgroupDirectories(layout, path).filter(existsSync).flatMap(pidsBelow))];
}

/** Of a directory and of what the container may have made below it. */
function pidsBelow(directory: string): number[] {
  try {
    return [
      ...ownPids(directory),
      ...groupsIn(directory).flatMap((name) => pidsBelow(`${directory}/${name}`)),
    ];
  } catch (error) {
    if (hasErrno(error, ENOENT, ENODEV)) return [];
    throw error;
  }
}

function ownPids(directory: string): number[] {
  return readFileSync(`${directory}/cgroup.procs`, "utf8").split("\n").filter(Boolean).map(Number);
}

/**
 * Where a further process of the group is born in version 2. Its processes may have divided it (systemd does, an engine does), and
 * then it takes none itself: where its first process is, there is room. As runc does.
 */
export function entryGroup(layout: CgroupLayout, path: string, firstPid: number): string {
  const { v2 } = layout;
  if (v2 === undefined) return path;
  try {
    const passedOn = readFileSync(`${v2.mountpoint}${path}/cgroup.subtree_control`, "utf8");
    if (passedOn.trim() === "") return path;
    const own = /^0::(.*)$/m.exec(readFileSync(`/proc/${firstPid}/cgroup`, "utf8"))?.[1];
    return own?.startsWith(`${path}/`) === true ? own : path;
  } catch (error) {
    if (hasErrno(error, ENOENT, ESRCH, ENODEV)) return path; // it has just ended: whoever enters is told
    throw error;
  }
}

function groupsIn(directory: string): string[] {
  const entries = readdirSync(directory, { withFileTypes: true });
  return entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
}

/** Stops every process of the group where it is. If that does not succeed, none stays stopped. */
export async function freeze(layout: CgroupLayout, path: string): Promise<void> {
  try {
    await setFrozen(layout, path, true);
  } catch (error) {
    await thaw(layout, path).catch(() => undefined); // the first error says more
    throw error;
  }
}

/** False also where the group is gone. */
export function isFrozen(layout: CgroupLayout, path: string): boolean {
  const { v1, v2 } = layout;
  const [file, word] =
    v2 !== undefined && existsSync(`${v2.mountpoint}${path}/cgroup.events`)
      ? [`${v2.mountpoint}${path}/cgroup.events`, "frozen 1"]
      : [`${v1["freezer"]}${path}/freezer.state`, "FROZEN"];
  try {
    return readFileSync(file, "utf8").includes(word);
  } catch (error) {
    if (hasErrno(error, ENOENT, ENODEV)) return false;
    throw error;
  }
}

export async function thaw(layout: CgroupLayout, path: string): Promise<void> {
  await setFrozen(layout, path, false);
}

async function setFrozen(layout: CgroupLayout, path: string, frozen: boolean): Promise<void> {
  const { v2, v1 } = layout;
  const directory = v2 && v2.mountpoint + path;
  if (directory !== undefined && existsSync(`${directory}/cgroup.freeze`)) {
    write(`${directory}/cgroup.freeze`, frozen ? "1" : "0");
    return await until(path, frozen, () =>
      readFileSync(`${directory}/cgroup.events`, "utf8").includes(`frozen ${Number(frozen)}`),
    );
  }
  if (v1["freezer"] === undefined)
    throw new BerthError(
      "unavailable",
      "cannot pause: this machine has neither the freezer controller nor cgroup version 2",
    );
  const file = `${v1["freezer"]}${path}/freezer.state`;
  const state = frozen ? "FROZEN" : "THAWED";
  await until(path, frozen, () => {
    write(file, state); // again each time: a process that forks may slip through once
    return readFileSync(file, "utf8").trim() === state;
  });
}

async function until(path: string, frozen: boolean, reached: () => boolean): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  for (let pauseMs = 1; !reached(); pauseMs = Math.min(pauseMs * 2, 50)) {
    if (performance.now() > deadline)
      throw new BerthError(
        "internal",
        `${frozen ? "freeze" : "thaw"} "${path}": the kernel did not finish in ${PATIENCE_MS / 1000} s`,
      );
    await Bun.sleep(pauseMs);
  }
}

/** Kills whatever is in the group, also when it is frozen; resolves when nothing is left or patience is at its end. */
export async function killCgroup(layout: CgroupLayout, path: string): Promise<void> {
  demandName(path);
  const deadline = performance.now() + PATIENCE_MS;
  for (let pauseMs = 1; ; pauseMs = Math.min(pauseMs * 2, 50)) {
    const pids = processes(layout, path);
    if (pids.length === 0 || performance.now() > deadline) return;
    killOnce(layout, path, pids);
    await Bun.sleep(pauseMs);
  }
}

/** The root of the hierarchies is everybody's: it is not killed, nor removed, whatever has led there. */
function demandName(path: string): void {
  if (!/[^/.]/.test(path)) throw new BerthError("internal", `control group "${path}" is no container's`);
}

function killOnce(layout: CgroupLayout, path: string, pids: readonly number[]): void {
  const whole = layout.v2 && `${layout.v2.mountpoint}${path}/cgroup.kill`;
  if (whole !== undefined && existsSync(whole)) return write(whole, "1");
  for (const pid of pids) kill(pid, SIGKILL);
  const { freezer } = layout.v1;
  if (freezer !== undefined && existsSync(`${freezer}${path}/freezer.state`))
    write(`${freezer}${path}/freezer.state`, "THAWED");
}

/**
 * Gone afterwards, with what the container made below, and with `kill` also with the processes that are in it. A process that is
 * just ending makes the kernel say EBUSY for a moment; the common case, an empty group, asks for nothing but rmdir.
 */
export async function removeCgroup(
  layout: CgroupLayout,
  path: string,
  { kill: killing = false } = {},
): Promise<void> {
  demandName(path);
  const deadline = performance.now() + PATIENCE_MS;
  let left = cgroupDirectories(layout, path);
  for (let pauseMs = 1; ; pauseMs = Math.min(pauseMs * 2, 50)) {
    left = left.filter((directory) => !removedDirectory(directory));
    if (left.length === 0) return;
    if (killing) await killCgroup(layout, path);
    if (performance.now() > deadline)
      throw new KernelError("remove the control group", left.join(", "), EBUSY);
    await Bun.sleep(pauseMs);
  }
}

function removedDirectory(directory: string): boolean {
  try {
    rmdirSync(directory);
    return true;
  } catch (error) {
    if (hasErrno(error, ENOENT)) return true;
    if (!hasErrno(error, EBUSY, ENOTEMPTY)) throw error;
    for (const name of groupsIn(directory)) removedDirectory(`${directory}/${name}`);
    return false;
  }
}

/** The ids of all groups directly below `/<instance>`, in whichever hierarchy they are. */
export function listCgroups(layout: CgroupLayout, instance: string): string[] {
  const names = cgroupDirectories(layout, `/${instance}`).flatMap((directory) =>
    existsSync(directory) ? groupsIn(directory) : [],
  );
  return [...new Set(names)].toSorted();
}
