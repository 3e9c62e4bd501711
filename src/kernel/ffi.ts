/** The one dlopen of libc: raw system calls with errno read right after them. Everything else in kernel/ is built on `call`. */
import { dlopen, FFIType, ptr, read, type Pointer } from "bun:ffi";
import { KernelError } from "./error.ts";
import { SYSCALLS, type SyscallName } from "./numbers.ts";

/** A path in the file system; bytes where the name may be no UTF-8. */
export type Path = string | Uint8Array;
type Argument = number | bigint | Uint8Array | Int32Array | BigUint64Array;

const NUMBERS = SYSCALLS[process.arch === "arm64" ? "arm64" : "x64"];
const WORD = FFIType.i64;
const DEFINITIONS = {
  syscall: { args: [WORD, WORD, WORD, WORD, WORD, WORD, WORD], returns: FFIType.i64_fast },
  __errno_location: { args: [], returns: "ptr" },
  setenv: { args: ["ptr", "ptr", "i32"], returns: "i32" },
} as const;

function open() {
  const { symbols } = dlopen("libc.so.6", DEFINITIONS);
  return { ...symbols, errno: symbols.__errno_location() as Pointer };
}
let libc: ReturnType<typeof open> | undefined;
/** What the kernel is writing to or reading from right now; keeps it from being collected during the call. */
const held: { now: readonly Argument[] } = { now: [] };

/** The result of a system call, or its errno negated. Never throws. */
export function attempt(name: SyscallName, ...args: Argument[]): number {
  libc ??= open();
  held.now = args;
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = args.map(word);
  const result = Number(libc.syscall(NUMBERS[name], a, b, c, d, e, f));
  return result === -1 ? -read.i32(libc.errno, 0) : result;
}

/** The result of a system call; a failure is thrown with what was tried and on which object. */
export function call(name: SyscallName, what: string, object: Path, ...args: Argument[]): number {
  for (;;) {
    const result = attempt(name, ...args);
    if (result >= 0) return result;
    if (result !== -EINTR) throw new KernelError(what, object, -result);
  }
}
const EINTR = 4;

function word(value: Argument): number | bigint {
  return typeof value === "number" || typeof value === "bigint" ? value : value.length === 0 ? 0 : ptr(value);
}

/** Text or bytes as the kernel wants them: ended by a NUL. A NUL inside is refused, it would cut the name short. */
export function cString(text: Path): Uint8Array {
  const bytes = typeof text === "string" ? Buffer.from(`${text}\0`) : Buffer.concat([text, Buffer.alloc(1)]);
  if (bytes.indexOf(0) !== bytes.length - 1) throw new KernelError("use the name", text, 22);
  return bytes;
}

/** Changes the environment of this process as libc sees it (process.env is a copy that threads of Bun do not read). */
export function setEnvironment(name: string, value: string): void {
  libc ??= open();
  libc.setenv(ptr(cString(name)), ptr(cString(value)), 1);
}

/** Where `bytes` are, for structures that point to others. Whoever uses it passes `bytes` to keepAlive() after the call. */
export function addressOf(bytes: Uint8Array): number {
  return ptr(bytes);
}

/** Holds on to what a call before this one has read through an address. */
export function keepAlive(...values: readonly Uint8Array[]): void {
  held.now = values;
}
