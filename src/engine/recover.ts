/** After a start: what runs is adopted, what ended meanwhile gets its record, what has no owner is removed. */
import { readdirSync, readFileSync, rmSync } from "node:fs";
import type { Container } from "../containers/container.ts";
import type { Exec, ExecRecord } from "../containers/exec.ts";
import type { Execs } from "../containers/execs.ts";
import type { ExecTable } from "../containers/exec-table.ts";
import { recordExit, watchExit } from "../containers/exit.ts";
import type { Parts } from "../containers/parts.ts";
import { execDirectory, execRecordPath, runDirectory } from "../containers/places.ts";
import { forget } from "../containers/remove.ts";
import { isRunning } from "../containers/state.ts";
import { formatTime, unixNanoseconds } from "../lib/time.ts";
import type { ExitRecord, ProcessHandle, Runtime } from "../runtime/runtime.ts";

/** How many shims are asked at a time. */
const BATCH = 64;
/** Docker's exit code for a container that a reboot has ended. */
const LOST = 255;
/** Docker's exit code for an exec that could not be started. */
const NEVER_RAN = 126;

export async function adoptContainers(parts: Parts): Promise<void> {
  await inBatches(namesIn(`${parts.places.run}/c`), (id) => adoptContainer(parts, id));
  for (const container of parts.registry.all()) {
    if (!isRunning(container.state) || container.handle !== undefined) continue;
    ended(parts, container, { exitCode: LOST, oomKilled: false, finishedAt: unixNanoseconds() });
  }
}

async function adoptContainer(parts: Parts, id: string): Promise<void> {
  const container = parts.registry.byId(id);
  const runtime = container === undefined ? parts.runtimes.keeping(id) : parts.runtimes.of(container.spec);
  const directory = runDirectory(parts.places, id);
  const found = await adopt(parts, runtime, { id, directory, cgroup: `/${parts.instance}/${id}` });
  if (container === undefined) return await discard(found);
  if (found === undefined) return;
  if (isHandle(found)) return await resume(parts, container, found);
  ended(parts, container, found);
}

/** One shim must not keep an engine from starting: what cannot be adopted is noted, and ended as something without an owner. */
async function adopt(
  parts: Parts,
  runtime: Runtime,
  { id, directory, cgroup }: { id: string; directory: string; cgroup?: string },
) {
  const ask = () => runtime.adopt(id, directory, cgroup);
  return ask()
    .catch(ask) // it may have come to its end while it was asked
    .catch((error: unknown) => {
      parts.log("error", "a process could not be adopted", { id, error: String(error) });
      return undefined;
    });
}

function isHandle(found: ProcessHandle | ExitRecord): found is ProcessHandle {
  return "exited" in found;
}

/** A process whose container is gone is ended. */
async function discard(found: ProcessHandle | ExitRecord | undefined): Promise<void> {
  if (found !== undefined && isHandle(found)) await found.release();
}

/** The record may be older than what happened: the process decides. Whether it is paused, the record does. */
async function resume(parts: Parts, container: Container, handle: ProcessHandle): Promise<void> {
  const { state } = container;
  const { pid } = handle;
  const startTime = String(handle.startTime);
  const known = isRunning(state) && state.pid === pid && state.startTime === startTime;
  const startedAt = formatTime(handle.startedAt ?? unixNanoseconds());
  if (!known) parts.registry.setState(container, { status: "running", pid, startTime, startedAt });
  container.handle = handle;
  await (container.state.status === "paused"
    ? parts.runtimes.of(container.spec).pause(container.id)
    : parts.runtimes.of(container.spec).unpause(container.id));
  watchExit(parts, container, handle);
}

function ended(parts: Parts, container: Container, exit: ExitRecord): void {
  if (container.state.status === "exited") return;
  recordExit(parts, container, exit);
  if (container.autoRemove) forget(parts, container);
}

/** Running execs can be resized and inspected again; the exit codes of the others are known. */
export async function adoptExecs(parts: Parts, execs: Execs, table: ExecTable): Promise<void> {
  const names = namesIn(`${parts.places.run}/x`).filter((name) => name.endsWith(".json"));
  await inBatches(names, async (name) => {
    const id = name.slice(0, -".json".length);
    const record = readRecord(execRecordPath(parts.places, id));
    const container = record && parts.registry.byId(record.container);
    if (record === undefined || container === undefined) return;
    await adoptExec(
      parts,
      execs,
      table,
      { id, container, config: record.config, state: { status: "starting" } },
      record,
    );
  });
}

async function adoptExec(
  parts: Parts,
  execs: Execs,
  table: ExecTable,
  exec: Exec,
  record: ExecRecord,
): Promise<void> {
  table.add(exec);
  const directory = execDirectory(parts.places, exec.id);
  const runtime = parts.runtimes.of(exec.container.spec);
  const found = await adopt(parts, runtime, { id: exec.id, directory }); // no control group: it is the container's
  if (found !== undefined && isHandle(found)) return execs.adopt(exec, found);
  if (record.exitCode !== undefined) execs.remember(exec, record.exitCode);
  else execs.ended(exec, found ?? { exitCode: NEVER_RAN }, 0);
  rmSync(directory, { recursive: true, force: true });
}

/** A file that is cut short was being written when the engine died: the exec had not begun. */
function readRecord(path: string): ExecRecord | undefined {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as ExecRecord;
  } catch {
    return undefined;
  }
}

export function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

async function inBatches(items: readonly string[], work: (item: string) => Promise<void>): Promise<void> {
  for (let at = 0; at < items.length; at += BATCH) await Promise.all(items.slice(at, at + BATCH).map(work));
}
