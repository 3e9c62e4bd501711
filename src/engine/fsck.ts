/** Kernel, disk and records side by side: what has no owner, and what an owner lacks. Recovery repairs it all; fsck tells first. */
import { rmSync } from "node:fs";
import type { Container } from "../containers/container.ts";
import type { ExecTable } from "../containers/exec-table.ts";
import type { Parts } from "../containers/parts.ts";
import { execDirectory, runDirectory } from "../containers/places.ts";
import { removeBytes } from "../containers/remove.ts";
import { sharedMemories, unmountSharedMemory } from "../containers/shared-memory.ts";
import { killCgroup, listCgroups, removeCgroup } from "../kernel/cgroups.ts";
import type { Finding } from "../wire/requests.ts";
import { namesIn } from "./recover.ts";

interface Problem {
  readonly kind: string;
  readonly id: string;
  readonly what: string;
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
  await settled(parts);
  const problems = [
    ...runDirectories(parts),
    ...execDirectories(parts, execs),
    ...containerDirectories(parts),
    ...sharedMemoryMounts(parts),
    ...controlGroups(parts),
  ];
  const findings: Finding[] = [];
  for (const { kind, id, what, repair: mend } of problems) {
    if (repair) await mend?.();
    findings.push({ kind, id, what, repaired: repair && mend !== undefined });
  }
  return [...findings, ...(await networkFindings(parts, repair))];
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

/** Nothing is judged in the middle of a start or a removal. */
async function settled(parts: Parts): Promise<void> {
  for (const container of parts.registry.all()) {
    using _held = await container.mutex.lock();
    await container.settled;
  }
  await parts.registry.removed();
}

function liveIds(parts: Parts): Set<string> {
  const live = parts.registry.all().filter(({ handle }) => handle !== undefined);
  return new Set(live.map(({ id }) => id));
}

function owner(parts: Parts, id: string): Container | undefined {
  return parts.registry.byId(id);
}

function runs(parts: Parts, id: string): boolean {
  return owner(parts, id)?.handle !== undefined;
}

function runDirectories(parts: Parts): Problem[] {
  const lost = namesIn(`${parts.places.run}/c`).filter((id) => !runs(parts, id));
  return lost.map((id) => ({
    kind: "run directory",
    id,
    what: "belongs to no running container",
    repair: () => rmSync(runDirectory(parts.places, id), { recursive: true, force: true }),
  }));
}

function execDirectories(parts: Parts, execs: ExecTable): Problem[] {
  const lost = namesIn(`${parts.places.run}/x`).filter((name) => !execs.has(name.replace(/\.json$/, "")));
  return lost.map((name) => ({
    kind: "exec",
    id: name,
    what: "belongs to no exec that is known",
    repair: () => rmSync(execDirectory(parts.places, name), { recursive: true, force: true }),
  }));
}

function containerDirectories(parts: Parts): Problem[] {
  const there = new Set(namesIn(`${parts.places.root}/containers`));
  const lost = [...there].filter((id) => owner(parts, id) === undefined);
  const missing = parts.registry.all().filter(({ id }) => !there.has(id));
  return [
    ...lost.map((id) => ({
      kind: "container directory",
      id,
      what: "belongs to no container",
      repair: () => removeBytes(parts, id),
    })),
    ...missing.map(({ id }) => ({
      kind: "container",
      id,
      what: "its directory is gone: remove it with `berth rm -f`",
    })),
  ];
}

function sharedMemoryMounts(parts: Parts): Problem[] {
  const lost = sharedMemories(parts.places).filter((id) => !runs(parts, id));
  return lost.map((id) => ({
    kind: "mount",
    id,
    what: "the /dev/shm of a container that does not run",
    repair: () => unmountSharedMemory(parts.places, id),
  }));
}

function controlGroups(parts: Parts): Problem[] {
  const layout = parts.features.cgroups;
  const lost = listCgroups(layout, parts.instance).filter((id) => !runs(parts, id));
  return lost.map((id) => ({
    kind: "cgroup",
    id,
    what: "belongs to no running container",
    repair: async () => {
      await killCgroup(layout, `/${parts.instance}/${id}`);
      await removeCgroup(layout, `/${parts.instance}/${id}`);
    },
  }));
}
