/** Signals, namespaces, privileges: what a process does to itself and to others. */
import { closeSync, openSync, readFileSync } from "node:fs";
import { attempt, call, cString, type Path } from "./ffi.ts";
import { hasErrno, KernelError } from "./error.ts";

const ENOENT = 2;
const ESRCH = 3;

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

/** When the process was started, in clock ticks since boot (proc(5), field 22); undefined when it is gone. */
export function startTime(pid: number): bigint | undefined {
  const field = statField(pid, 22);
  return field === undefined ? undefined : BigInt(field);
}

/** Undefined when it is gone. */
export function parentOf(pid: number): number | undefined {
  const field = statField(pid, 4);
  return field === undefined ? undefined : Number(field);
}

const FIRST_BEHIND_NAME = 3;

/** As proc(5) counts them. */
function statField(pid: number, number: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[number - FIRST_BEHIND_NAME]; // the name before it may hold anything
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
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return fields[19] === String(started) && !/[ZX]/.test(fields[0] ?? "") ? "alive" : "ended";
  } catch (error) {
    if (hasErrno(error, ESRCH, ENOENT)) return "ended";
    throw error;
  }
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
