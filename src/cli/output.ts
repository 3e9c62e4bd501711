/** The two streams that people read. Synchronous: what was printed is out before the process ends. */
import { BerthError } from "../lib/error.ts";
import { fs } from "./fs.ts";

/** Nobody reads our output any more: the process ends quietly, as SIGPIPE would end it. */
export class OutputClosed extends Error {
  override readonly name = "OutputClosed";
}

export function print(line: string): void {
  write(1, `${line}\n`);
}

/** For people: what an image or a container has chosen in it (a path, a name) does not get to speak to their terminal. */
export function printError(line: string): void {
  write(2, `${visible(line)}\n`);
}

/** Control characters spelled out, but for ends of lines and tabs. */
export function visible(text: string): string {
  // eslint-disable-next-line no-control-regex
  return text.replaceAll(/[\x00-\x08\x0b-\x1f\x7f-\x9f]/g, (character) => {
    return `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`;
  });
}

/** For programs as it is; on a terminal as people may see it. */
export function visibleOn(number: 1 | 2, text: string): string {
  return isTerminal(number) ? visible(text) : text;
}

/** Writes all of it. `number` is 1 or 2. */
export function write(number: number, data: string | Uint8Array): void {
  let rest = typeof data === "string" ? new TextEncoder().encode(data) : data;
  while (rest.length > 0) rest = rest.subarray(writeSome(number, rest));
}

/** What a pipe takes whole or not at all (PIPE_BUF). Bun.write() repeats itself when a pipe takes a part. */
const ATOMIC_BYTES = 4096;

/** The same, and without node:fs where little is written, for what must be quick. Resolves when all of it is out. */
export async function writeQuickly(number: number, data: string | Uint8Array): Promise<void> {
  const bytes = typeof data === "string" ? new TextEncoder().encode(data) : data;
  if (bytes.length > ATOMIC_BYTES) return write(number, bytes);
  if (bytes.length === 0) return;
  try {
    await Bun.write(number === 2 ? Bun.stderr : Bun.stdout, bytes);
  } catch (error) {
    throw writeTrouble(number, error);
  }
}

/** Whether the descriptor is a terminal: by its device number, because node:tty costs milliseconds. */
export function isTerminal(fd: number): boolean {
  const major = (device: number): number => (device >> 8) & 0xfff;
  const stat = fs().fstatSync(fd);
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

const WHY: Readonly<Record<string, string>> = {
  ENOSPC: "no space left on device",
  EIO: "input/output error",
  EBADF: "bad file descriptor",
};

function cannotWrite(number: number, code = "EIO"): BerthError {
  const name = number === 2 ? "/dev/stderr" : "/dev/stdout";
  return new BerthError(code === "ENOSPC" ? "no_space" : "internal", `write ${name}: ${WHY[code] ?? code}`);
}

/** Bytes taken: none when the other end is full and does not block. */
function writeSome(number: number, bytes: Uint8Array): number {
  try {
    return fs().writeSync(number, bytes);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EAGAIN") throw writeTrouble(number, error);
    Bun.sleepSync(1);
    return 0;
  }
}

function writeTrouble(number: number, error: unknown): Error {
  const { code } = error as NodeJS.ErrnoException;
  return code === "EPIPE"
    ? new OutputClosed("nobody reads the output", { cause: error })
    : cannotWrite(number, code);
}
