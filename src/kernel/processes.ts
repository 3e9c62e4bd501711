/** Signals, namespaces, privileges: what a process does to itself and to others. */
import { closeSync, openSync, readdirSync, readFileSync } from "node:fs";
import { attempt, call, cString, type Path } from "./ffi.ts";
import { hasErrno, KernelError } from "./error.ts";

const ENOENT = 2;
const ESRCH = 3;
const SIGKILL = 9;

/** False where there is no such process any more. */
export function kill(pid: number, signal: number): boolean {
  return delivered(attempt("kill", pid, signal), pid);
}

/** A descriptor that means this process even when its number is used again; undefined when it is gone. */
export function pidfdOpen(pid: number): number | undefined {
  const result = attempt("pidfd_open", pid, 0);
  if (result === -ESRCH) return undefined;
  if (result < 0) throw new KernelError("open the process", String(pid), -result);
  return result;
}

/** False where the process has ended. */
export function pidfdSignal(pidfd: number, signal: number): boolean {
  return delivered(attempt("pidfd_send_signal", pidfd, signal, 0, 0), pidfd);
}

function delivered(result: number, target: number): boolean {
  if (result === -ESRCH) return false;
  if (result < 0) throw new KernelError("send a signal to", String(target), -result);
  return true;
}

/** When the process was started, in clock ticks since boot; undefined when it is gone. */
export function startTime(pid: number): bigint | undefined {
  const field = statFields(pid)?.[START_TIME - FIRST_BEHIND_NAME];
  return field === undefined ? undefined : BigInt(field);
}

/** Undefined when it is gone. */
export function parentOf(pid: number): number | undefined {
  const field = statFields(pid)?.[PARENT - FIRST_BEHIND_NAME];
  return field === undefined ? undefined : Number(field);
}

/** As proc(5) counts the fields of `stat`. */
const FIRST_BEHIND_NAME = 3;
const PARENT = 4;
const START_TIME = 22;

/** Those behind the name, which may hold anything; undefined when the process is gone. */
function statFields(pid: number): string[] | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  } catch (error) {
    if (hasErrno(error, ESRCH, ENOENT)) return undefined;
    throw error;
  }
}

/** To the process that was started then and to no other. False where it has ended. */
export function signalProcess(
  target: { readonly pid: number; readonly startTime: bigint },
  signal: number,
): boolean {
  const pidfd = pidfdOpen(target.pid); // opened first: it cannot change its meaning between the look and the signal
  if (pidfd === undefined) return false;
  try {
    return startTime(target.pid) === target.startTime && pidfdSignal(pidfd, signal);
  } finally {
    closeSync(pidfd);
  }
}

/** SIGKILL to all that a process has started and what those have; how many there were. Who is quick starts more meanwhile: ask until there is none. */
export function killDescendants(ancestor: { readonly pid: number; readonly startTime: bigint }): number {
  const children = new Map<number, ProcessStat[]>();
  for (const stat of processStats()) {
    const siblings = children.get(stat.parent) ?? [];
    children.set(stat.parent, [...siblings, stat]);
  }
  if (startTime(ancestor.pid) !== ancestor.startTime) return 0; // looked at behind: the children were its own
  const found = [...(children.get(ancestor.pid) ?? [])];
  for (const { pid } of found) found.push(...(children.get(pid) ?? []));
  return found.filter((stat) => signalProcess(stat, SIGKILL)).length;
}

interface ProcessStat {
  readonly pid: number;
  readonly parent: number;
  readonly startTime: bigint;
}

/** Of all processes that have not ended. */
function processStats(): ProcessStat[] {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return pids.flatMap((pid) => {
    const fields = statFields(Number(pid));
    if (fields === undefined || /[ZX]/.test(fields[0] ?? "")) return [];
    const number = (field: number) => fields[field - FIRST_BEHIND_NAME] ?? "0";
    return [{ pid: Number(pid), parent: Number(number(PARENT)), startTime: BigInt(number(START_TIME)) }];
  });
}

/** A descriptor of one of its namespaces, never of those of a process that has its number later; undefined where it has ended. The caller closes it. */
export function openNamespace(
  target: { readonly pid: number; readonly startTime: bigint },
  name: string,
): number | undefined {
  const fd = openOrGone(`/proc/${target.pid}/ns/${name}`);
  if (fd === undefined || startTime(target.pid) === target.startTime) return fd; // looked at behind: it still is the one whose namespace was opened
  closeSync(fd);
  return undefined;
}

function openOrGone(path: string): number | undefined {
  try {
    return openSync(path, "r");
  } catch (error) {
    if (hasErrno(error, ESRCH, ENOENT)) return undefined;
    throw error;
  }
}

/** Whether the process that was started then is still at work; one that nobody has reaped yet is not. */
export function processState(pid: number, started: bigint): "alive" | "ended" {
  const fields = statFields(pid) ?? [];
  const same = fields[START_TIME - FIRST_BEHIND_NAME] === String(started);
  return same && !/[ZX]/.test(fields[0] ?? "") ? "alive" : "ended";
}

export function prctl(option: number, ...values: readonly number[]): void {
  call("prctl", "set the process option", String(option), option, ...values);
}

export function unshare(flags: number): void {
  call("unshare", "make namespaces", `0x${flags.toString(16)}`, flags);
}

/** Of the calling thread only. */
export function setns(fd: number, type: number): void {
  call("setns", "join the namespace", `descriptor ${fd}`, fd, type);
}

/** A path, or the descriptor of a directory, which then becomes the working directory too. */
export function chroot(place: Path | number): void {
  if (typeof place !== "number") return void call("chroot", "change the root to", place, cString(place));
  call("fchdir", "change to", `descriptor ${place}`, place);
  call("chroot", "change the root to", `descriptor ${place}`, cString("."));
}

const CAPABILITY_HEADER = () => new Uint32Array([0x20080522, 0]); // version 3, this thread

/** Effective and permitted become `mask`, nothing is inheritable. */
export function capset(mask: bigint): void {
  const low = Number(mask & 0xffffffffn);
  const high = Number(mask >> 32n);
  const data = new Uint32Array([low, low, 0, high, high, 0]);
  call("capset", "set the capabilities", `0x${mask.toString(16)}`, bytes(CAPABILITY_HEADER()), bytes(data));
}

/** Whose files this thread makes from now on. Its rights over files are lost by it, until capset() takes them again. */
export function setFileOwner(uid: number, gid: number): void {
  attempt("setfsgid", gid);
  attempt("setfsuid", uid);
}

/** The effective capabilities of this thread. */
export function capget(): bigint {
  const data = new Uint32Array(6);
  call("capget", "read the capabilities", "self", bytes(CAPABILITY_HEADER()), bytes(data));
  return BigInt(data[0] ?? 0) | (BigInt(data[3] ?? 0) << 32n);
}

function bytes(words: Uint32Array): Uint8Array {
  return new Uint8Array(words.buffer);
}
