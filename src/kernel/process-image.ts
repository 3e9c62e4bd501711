/** Processes without an event loop: started, waited for, or put in our own place, all of it before the call returns. */
import { dlopen, FFIType } from "bun:ffi";
import { closeSync } from "node:fs";
import { addressOf, attempt, call, cString, keepAlive } from "./ffi.ts";
import { KernelError } from "./error.ts";

/** glibc's posix_spawn: it neither copies our memory nor runs anything of ours in the child. */
const DEFINITIONS = {
  posix_spawn: { args: ["ptr", "ptr", "ptr", "ptr", "ptr", "ptr"], returns: FFIType.i32 },
  signal: { args: [FFIType.i32, "ptr"], returns: "ptr" },
  posix_spawn_file_actions_init: { args: ["ptr"], returns: FFIType.i32 },
  posix_spawn_file_actions_adddup2: { args: ["ptr", FFIType.i32, FFIType.i32], returns: FFIType.i32 },
} as const;
const FILE_ACTIONS_SIZE = 80;
const SIGCHLD = 17;

const F_DUPFD_CLOEXEC = 1030;
/** Above all that a new program expects at a number of its own. */
const FIRST_SPARE = 64;

/** A copy of the descriptor that is in nobody's way. */
function spare(fd: number): number {
  return call("fcntl", "duplicate the descriptor", String(fd), fd, F_DUPFD_CLOEXEC, FIRST_SPARE);
}

/** NUL-terminated strings, and their addresses with a NULL behind. */
function vector(words: readonly string[]): { strings: Uint8Array[]; pointers: Uint8Array } {
  const strings = words.map(cString);
  const pointers = new BigUint64Array([...strings.map((text) => BigInt(addressOf(text))), 0n]);
  return { strings, pointers: new Uint8Array(pointers.buffer) };
}

/**
 * Starts `program` with our three streams, an empty environment, and `descriptors` as its 3, 4 and so on; answers its pid. Ours stay open.
 * What else we hold is closed, unless whoever started us has left it open.
 */
export function spawnNow(program: string, argv: readonly string[], descriptors: readonly number[]): number {
  const { symbols } = dlopen("libc.so.6", DEFINITIONS);
  symbols.signal(SIGCHLD, null); // where our caller has it ignored nobody's end would be told
  const copies = descriptors.map(spare);
  const actions = new Uint8Array(FILE_ACTIONS_SIZE);
  symbols.posix_spawn_file_actions_init(actions);
  for (const [index, copy] of copies.entries())
    symbols.posix_spawn_file_actions_adddup2(actions, copy, 3 + index);
  const pid = new Int32Array(1);
  const [path, words, environment] = [cString(program), vector(argv), vector([])];
  const errno = symbols.posix_spawn(pid, path, actions, null, words.pointers, environment.pointers);
  keepAlive(path, ...words.strings, words.pointers, environment.pointers);
  for (const copy of copies) closeSync(copy);
  if (errno !== 0) throw new KernelError("start", program, errno);
  return pid[0] ?? 0;
}

/** This process becomes `program`, with our three streams and `descriptors` as its 3, 4 and so on. Returns only by throwing. */
export function becomeProgram(
  program: string,
  argv: readonly string[],
  descriptors: readonly number[],
): never {
  const copies = descriptors.map(spare);
  for (const [index, copy] of copies.entries()) place(copy, 3 + index);
  const [path, words, environment] = [cString(program), vector(argv), vector([])];
  const errno = -attempt("execve", path, words.pointers, environment.pointers);
  keepAlive(path, ...words.strings, words.pointers, environment.pointers);
  throw new KernelError("become", program, errno);
}

/** What is at that number is closed; the copy is not closed on exec. */
function place(fd: number, number: number): void {
  call("dup3", "move the descriptor", String(fd), fd, number, 0);
}

/** Waits for the end of a child of ours; nothing is left of it then. */
export function reap(pid: number): void {
  while (attempt("wait4", pid, 0, 0, 0) === -EINTR);
}
const EINTR = 4;

const POLLIN = 1;

/** Whether the process has ended, after at most `timeoutMs`. */
export function waitForEnd(pidfd: number, timeoutMs: number): boolean {
  const watched = new Int32Array([pidfd, POLLIN]);
  const timeout = new BigUint64Array([
    BigInt(Math.floor(timeoutMs / 1000)),
    BigInt(timeoutMs % 1000) * 1_000_000n,
  ]);
  return attempt("ppoll", watched, 1, timeout, 0, 0) > 0;
}
