/** Kernel, disk and records side by side: what has no owner, and what an owner lacks. Recovery repairs it all; fsck tells first. */
import { existsSync, rmSync } from "node:fs";
import type { Container } from "../containers/container.ts";
import type { ExecTable } from "../containers/exec-table.ts";
import type { Parts } from "../containers/parts.ts";
import { containerDirectory, execDirectory, runDirectory } from "../containers/places.ts";
import { removeBytes } from "../containers/remove.ts";
import { sharedMemories, sharedMemoryPath, unmountSharedMemory } from "../containers/shared-memory.ts";
import { cgroupDirectories, listCgroups, removeCgroup } from "../kernel/cgroups.ts";
import type { Finding } from "../wire/requests.ts";
import { namesIn } from "./recover.ts";

interface Problem {
  readonly kind: string;
  readonly id: string;
  readonly what: string;
  stands(): boolean;
  /** Absent: berth cannot. */
  readonly repair?: () => void | Promise<void>;
}

const VETH_STEP_MS = 25;
const VETH_PATIENCE_MS = 500;

/** Every problem, repaired where that is wanted and possible. */
export async function fsck(
  parts: Parts,
  execs: ExecTable,
  { repair }: { repair: boolean },
): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const problem of problems(parts, execs).filter((suspected) => suspected.stands())) {
    const { kind, id, what } = problem;
    using _held = await standstill(parts, id);
    if (!problem.stands()) continue;
    findings.push({ kind, id, what, repaired: repair && (await mend(parts, problem)) });
  }
  return [...findings, ...(await networkFindings(parts, repair))];
}

/** Whether it is mended. What cannot be must not keep an engine from starting: a process that does not die, say. */
async function mend({ log }: Parts, { kind, id, repair }: Problem): Promise<boolean> {
  try {
    await repair?.();
    return repair !== undefined;
  } catch (error) {
    log("error", "something could not be repaired", { kind, id, error: String(error) });
    return false;
  }
}

function problems(parts: Parts, execs: ExecTable): Problem[] {
  return [
    ...runDirectories(parts),
    ...execDirectories(parts, execs),
    ...containerDirectories(parts),
    ...sharedMemoryMounts(parts),
    ...controlGroups(parts),
  ];
}

/** The kernel takes a moment to end the network of a container that has just ended: such a veth is not lost. */
async function networkFindings(parts: Parts, repair: boolean): Promise<Finding[]> {
  if (repair) return parts.networks.recover(liveIds(parts), { repair });
  for (let waitedMs = 0; ; waitedMs += VETH_STEP_MS) {
    const findings = await parts.networks.recover(liveIds(parts), { repair });
    if (waitedMs >= VETH_PATIENCE_MS || !findings.some(({ kind }) => kind === "veth")) return findings;
    await Bun.sleep(VETH_STEP_MS);
  }
}

/** Nothing is judged in the middle of a start or a removal, and nobody begins one while it is repaired. */
async function standstill({ registry }: Parts, id: string): Promise<Disposable | undefined> {
  const container = registry.byId(id);
  const held = await container?.mutex.lock();
  await container?.settled;
  await registry.removed();
  return held;
}

/** What starts has its address before it runs. */
function liveIds(parts: Parts): Set<string> {
  const live = parts.registry.all().filter(({ handle, mutex }) => handle !== undefined || mutex.isHeld);
  return new Set(live.map(({ id }) => id));
}

function owner(parts: Parts, id: string): Container | undefined {
  return parts.registry.byId(id);
}

function runs(parts: Parts, id: string): boolean {
  return owner(parts, id)?.handle !== undefined;
}

function runDirectories(parts: Parts): Problem[] {
  return namesIn(`${parts.places.run}/c`).map((id) => ({
    kind: "run directory",
    id,
    what: "belongs to no running container",
    stands: () => !runs(parts, id) && existsSync(runDirectory(parts.places, id)),
    repair: () => rmSync(runDirectory(parts.places, id), { recursive: true, force: true }),
  }));
}

function execDirectories(parts: Parts, execs: ExecTable): Problem[] {
  return namesIn(`${parts.places.run}/x`).map((name) => ({
    kind: "exec",
    id: name,
    what: "belongs to no exec that is known",
    stands: () => !execs.has(name.replace(/\.json$/, "")) && existsSync(execDirectory(parts.places, name)),
    repair: () => rmSync(execDirectory(parts.places, name), { recursive: true, force: true }),
  }));
}

function containerDirectories(parts: Parts): Problem[] {
  const isThere = (id: string) => existsSync(containerDirectory(parts.places, id));
  return [
    ...namesIn(`${parts.places.root}/containers`).map((id) => ({
      kind: "container directory",
      id,
      what: "belongs to no container",
      stands: () => owner(parts, id) === undefined && isThere(id),
      repair: () => removeBytes(parts, id),
    })),
    ...parts.registry.all().map(({ id }) => ({
      kind: "container",
      id,
      what: "its directory is gone: remove it with `berth rm -f`",
      stands: () => owner(parts, id) !== undefined && !isThere(id),
    })),
  ];
}

function sharedMemoryMounts(parts: Parts): Problem[] {
  return sharedMemories(parts.places).map((id) => ({
    kind: "mount",
    id,
    what: "the /dev/shm of a container that does not run",
    stands: () => !runs(parts, id) && existsSync(sharedMemoryPath(parts.places, id)),
    repair: () => unmountSharedMemory(parts.places, id),
  }));
}

function controlGroups(parts: Parts): Problem[] {
  const layout = parts.features.cgroups;
  return listCgroups(layout, parts.instance).map((id) => ({
    kind: "cgroup",
    id,
    what: "belongs to no running container",
    stands: () => !runs(parts, id) && cgroupDirectories(layout, `/${parts.instance}/${id}`).some(existsSync),
    repair: () => removeCgroup(layout, `/${parts.instance}/${id}`, { kill: true }),
  }));
}
