/** A container between two calls: a directory below the root that is named after it, and what the kernel says of its process. */
import {
  closeSync,
  existsSync,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { hasErrno } from "../kernel/error.ts";
import { flock, lockFile } from "../kernel/files.ts";
import { isFrozen } from "../kernel/cgroups.ts";
import type { Features } from "../kernel/features.ts";
import { processState } from "../kernel/processes.ts";
import { Elsewhere } from "../lib/elsewhere.ts";
import { BerthError } from "../lib/error.ts";
import { formatExactJson, parseExactJson } from "../lib/exact-json.ts";
import { readState } from "../runtime/records.ts";
import type { ProcessIdentity } from "../runtime/runtime.ts";
import type { Spec } from "../runtime/spec.ts";
import type { Caller } from "./caller.ts";
import type { Call } from "./command.ts";

const ENOENT = 2;
const ENOTDIR = 20;
const EEXIST = 17;

/** Written by create, changed by nobody but update. */
export interface ContainerRecord {
  readonly id: string;
  readonly bundle: string;
  readonly rootfs: string;
  /** RFC 3339. */
  readonly created: string;
  readonly spec: Spec;
}

export type Status = "created" | "running" | "paused" | "stopped";

export interface Container extends ContainerRecord {
  readonly directory: string;
  /** Undefined where create has not come so far. */
  readonly process: ProcessIdentity | undefined;
}

export const startFifo = (directory: string) => `${directory}/exec.fifo`;

/** Letters, digits and `_+-.`, as runc has it. */
export function checkId(id: string): string {
  if (id === "") throw new BerthError("invalid", "container id cannot be empty");
  if (!/^[\w+.-]+$/.test(id) || id === "." || id === ".." || id.length > 1024)
    throw new BerthError("invalid", "invalid container ID format");
  return id;
}

/** The directory of a container that is being made. */
export interface Claim extends Disposable {
  readonly directory: string;
  /** Whether it is still there; else somebody has removed it, and another may have its name and its control group. */
  stands(): boolean;
}

/** Makes it; `conflict` where there is one of that name. */
export function claimDirectory(root: string, id: string): Claim {
  const directory = `${root}/${checkId(id)}`;
  mkdirSync(root, { recursive: true, mode: 0o700 });
  try {
    mkdirSync(directory, { mode: 0o700 });
    const fd = openSync(directory, "r");
    return { directory, stands: () => isThere(fd, directory), [Symbol.dispose]: () => closeSync(fd) };
  } catch (error) {
    if (!hasErrno(error, EEXIST)) throw error;
    throw new BerthError("conflict", "container with given ID already exists", { cause: error });
  }
}

export function writeRecord(directory: string, record: ContainerRecord): void {
  writeFileSync(`${directory}/.state.json`, formatExactJson(record), { mode: 0o600 });
  renameSync(`${directory}/.state.json`, `${directory}/state.json`);
}

/** Throws `not_found` in runc's words. */
export function getContainer(root: string, id: string): Container {
  const container = findContainer(root, checkId(id));
  if (container === undefined) throw notFound();
  return container;
}

export function notFound(): BerthError {
  return new BerthError("not_found", "container does not exist");
}

export function findContainer(root: string, id: string): Container | undefined {
  const directory = `${root}/${id}`;
  try {
    const record = parseExactJson(readFileSync(`${directory}/state.json`, "utf8")) as ContainerRecord;
    return { ...record, directory, process: readState(directory) };
  } catch (error) {
    if (hasErrno(error, ENOENT, ENOTDIR)) return undefined;
    throw error;
  }
}

export function listContainers(root: string): Container[] {
  if (!existsSync(root)) return [];
  return readdirSync(root)
    .toSorted()
    .flatMap((id) => findContainer(root, id) ?? []);
}

/** What is true now. */
export function statusOf({ directory, process, spec }: Container, features: Features): Status {
  if (process === undefined || processState(process.pid, process.startTime) !== "alive") return "stopped";
  const cgroup = spec.linux.cgroupsPath;
  if (cgroup !== undefined && isFrozen(features.cgroups, cgroup)) return "paused";
  return existsSync(startFifo(directory)) ? "created" : "running";
}

export interface Locked<What> extends Disposable {
  readonly container: What;
}

/** One command at a time changes a container; the kernel lets go when its process ends. Throws `not_found` in runc's words. */
export function lockContainer(call: LockCall, id: string): Locked<Container> {
  const { container, ...lock } = lockDirectory(call, id);
  if (container !== undefined) return { container, ...lock };
  lock[Symbol.dispose]();
  throw notFound();
}

type LockCall = Pick<Call, "root" | "caller">;

/** The container is looked at behind the lock: who held it has changed it, or removed it, and another may have its name by now. */
export function lockDirectory({ root, caller }: LockCall, id: string): Locked<Container | undefined> {
  const directory = `${root}/${checkId(id)}`;
  for (;;) {
    const fd = openThere(directory);
    if (fd === undefined) return { container: undefined, [Symbol.dispose]: () => undefined };
    lockOrLeave(fd, caller);
    if (isThere(fd, directory))
      return { container: findContainer(root, id), [Symbol.dispose]: () => closeSync(fd) };
    closeSync(fd);
  }
}

/** The engine waits for nobody: a caller elsewhere does that itself. */
function lockOrLeave(fd: number, { ours }: Caller): void {
  if (ours) return lockFile(fd);
  if (flock(fd)) return;
  closeSync(fd);
  throw new Elsewhere();
}

function openThere(directory: string): number | undefined {
  try {
    return openSync(directory, "r");
  } catch (error) {
    if (hasErrno(error, ENOENT)) return undefined;
    throw error;
  }
}

function isThere(fd: number, directory: string): boolean {
  const held = fstatSync(fd);
  const there = statSync(directory, { throwIfNoEntry: false });
  return held.ino === there?.ino && held.dev === there.dev;
}

export function removeDirectory(directory: string): void {
  rmSync(directory, { recursive: true, force: true });
}
