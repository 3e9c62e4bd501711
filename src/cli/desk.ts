/** The process that somebody sits at: this one, or another in whose name the engine performs a command. */
import { BerthError } from "../lib/error.ts";
import { Elsewhere } from "../lib/elsewhere.ts";

export interface Desk {
  /** Its files, its input and its terminal are ours. */
  readonly ours: boolean;
  /** Its working directory. */
  directory(): string;
  isTerminal(descriptor: number): boolean;
  /** Returns when all of it is out, or will be. `descriptor` is 1 or 2. */
  write(descriptor: number, bytes: Uint8Array): void;
  /** The same, for what must be quick or is much: resolves when more can be taken. */
  writeQuickly(descriptor: number, bytes: Uint8Array): Promise<void>;
  /** Resolves when all of it is out; throws where it is not. */
  flush(): Promise<void>;
  /** From now on these do nothing but to call `hear`. */
  onSignals(signals: readonly NodeJS.Signals[], hear: (signal: NodeJS.Signals) => void): void;
  /** Called when the command has ended, or nobody sits there any more, and we are still here. */
  onLeave(stop: () => void): void;
}

/** Nobody reads our output any more: the process ends quietly, as SIGPIPE would end it. */
export class OutputClosed extends Error {
  override readonly name = "OutputClosed";
}

/** What a pipe takes whole or not at all (PIPE_BUF). Bun.write() repeats itself when a pipe takes a part. */
const ATOMIC_BYTES = 4096;

const OURS: Desk = {
  ours: true,
  directory: () => process.cwd(),
  isTerminal,
  write: writeAll,
  async writeQuickly(descriptor, bytes) {
    if (bytes.length > ATOMIC_BYTES) return writeAll(descriptor, bytes);
    try {
      await Bun.write(descriptor === 2 ? Bun.stderr : Bun.stdout, bytes); // without node:fs
    } catch (error) {
      throw writeTrouble(descriptor, (error as NodeJS.ErrnoException).code);
    }
  },
  flush: () => Promise.resolve(),
  onSignals(signals, hear) {
    for (const signal of signals) process.on(signal, () => hear(signal));
  },
  onLeave() {},
};

let find = (): Desk => OURS;

/** That of the command which asks. */
export function desk(): Desk {
  return find();
}

/** For who performs commands of several desks: `which` answers that of the command which asks, if it is not ours. */
export function sitAt(which: () => Desk | undefined): void {
  find = () => which() ?? OURS;
}

/** What follows can only be done by the process itself. To be called before anything is changed. */
export function demandOurs(): void {
  if (!desk().ours) throw new Elsewhere();
}

/** node:fs, loaded by who needs it: it costs a command line a millisecond, and `run` can do without. */
export function ownFs(): typeof import("node:fs") {
  return process.getBuiltinModule("node:fs");
}

/** By its device number, because node:tty costs milliseconds. */
function isTerminal(descriptor: number): boolean {
  const major = (device: number): number => (device >> 8) & 0xfff;
  const stat = ownFs().fstatSync(descriptor);
  return stat.isCharacterDevice() && isTerminalMajor(major(stat.rdev));
}

/** Consoles and serial lines, /dev/tty and /dev/console, pseudo terminals (Linux Documentation/admin-guide/devices.txt). */
function isTerminalMajor(major: number): boolean {
  return (
    major === 4 ||
    major === 5 ||
    (major >= 136 && major <= 143) ||
    (major >= 204 && major <= 205) ||
    major === 229
  );
}

function writeAll(descriptor: number, bytes: Uint8Array): void {
  for (let rest = bytes; rest.length > 0;) rest = rest.subarray(writeSome(descriptor, rest));
}

/** Bytes taken: none when the other end is full and does not block. */
function writeSome(descriptor: number, bytes: Uint8Array): number {
  try {
    return ownFs().writeSync(descriptor, bytes);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== "EAGAIN") throw writeTrouble(descriptor, code);
    Bun.sleepSync(1);
    return 0;
  }
}

const WHY: Readonly<Record<string, string>> = {
  ENOSPC: "no space left on device",
  EIO: "input/output error",
  EBADF: "bad file descriptor",
};

/** `code` is the errno's name. */
export function writeTrouble(descriptor: number, code = "EIO"): Error {
  if (code === "EPIPE") return new OutputClosed("nobody reads the output");
  const name = descriptor === 2 ? "/dev/stderr" : "/dev/stdout";
  return new BerthError(code === "ENOSPC" ? "no_space" : "internal", `write ${name}: ${WHY[code] ?? code}`);
}
