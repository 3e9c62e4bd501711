/** The two streams that people read. Synchronous: what was printed is out before the process ends. */
import { fstatSync, writeSync } from "node:fs";
import { BerthError } from "../lib/error.ts";

/** Nobody reads our output any more: the process ends quietly, as SIGPIPE would end it. */
export class OutputClosed extends Error {
  override readonly name = "OutputClosed";
}

export function print(line: string): void {
  write(1, `${line}\n`);
}

export function printError(line: string): void {
  write(2, `${line}\n`);
}

/** Writes all of it. `stream` is 1 or 2. */
export function write(stream: number, data: string | Uint8Array): void {
  let rest = typeof data === "string" ? new TextEncoder().encode(data) : data;
  while (rest.length > 0) rest = rest.subarray(writeSome(stream, rest));
}

/** Whether the descriptor is a terminal: by its device number, because node:tty costs milliseconds. */
export function isTerminal(fd: number): boolean {
  const major = (device: number): number => (device >> 8) & 0xfff;
  const stat = fstatSync(fd, { throwIfNoEntry: false });
  return stat?.isCharacterDevice() === true && isTerminalMajor(major(stat.rdev));
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

const WHY: Readonly<Record<string, string>> = {
  ENOSPC: "no space left on device",
  EIO: "input/output error",
  EBADF: "bad file descriptor",
};

function cannotWrite(stream: number, code = "EIO"): BerthError {
  const name = stream === 2 ? "/dev/stderr" : "/dev/stdout";
  return new BerthError(code === "ENOSPC" ? "no_space" : "internal", `write ${name}: ${WHY[code] ?? code}`);
}

/** Bytes taken: none when the other end is full and does not block. */
function writeSome(stream: number, bytes: Uint8Array): number {
  try {
    return writeSync(stream, bytes);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EPIPE") throw new OutputClosed("nobody reads the output", { cause: error });
    if (code !== "EAGAIN") throw cannotWrite(stream, code);
    Bun.sleepSync(1);
    return 0;
  }
}
