/**
 * Compiled programs on disk, for those who run once per container: one file per digest, which holds a checksum and the program. A file that
 * is not what it should be counts as absent.
 */
import {
  closeSync,
  constants,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { type Digest, digestOf, hexOf } from "../../lib/digest.ts";

const CHECKSUM_SIZE = 32;
const INSTRUCTION_SIZE = 8;
const MAX_SIZE = CHECKSUM_SIZE + 4096 * INSTRUCTION_SIZE;
/** A machine has few profiles; the oldest of more go. */
export const MAX_FILES = 64;

/** The program kept under the digest of what it is made from; made, and kept if that can be done, where there is none. */
export function cachedProgram(directory: string, digest: Digest, make: () => Uint8Array): Uint8Array {
  const name = hexOf(digest);
  const kept = read(`${directory}/${name}`, digest);
  if (kept !== undefined) return kept;
  const program = make();
  try {
    keep(directory, name, Buffer.concat([checksum(digest, program), program]));
  } catch {
    // A full or read-only disk costs the next container a few milliseconds, this one nothing.
  }
  return program;
}

/** Of the name, too: a program under another's name is as wrong as a torn one. */
function checksum(digest: Digest, program: Uint8Array): Buffer {
  return Buffer.from(hexOf(digestOf(Buffer.concat([Buffer.from(digest), program]))), "hex");
}

function read(path: string, digest: Digest): Uint8Array | undefined {
  const bytes = readWhole(path);
  const program = bytes.subarray(CHECKSUM_SIZE);
  if (program.length === 0 || program.length % INSTRUCTION_SIZE !== 0) return undefined;
  return checksum(digest, program).equals(bytes.subarray(0, CHECKSUM_SIZE)) ? program : undefined;
}

/** Nothing where there is no such file, or one that is too big. */
function readWhole(path: string): Buffer {
  const bytes = Buffer.alloc(MAX_SIZE + 1);
  try {
    const file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      const size = readSync(file, bytes);
      return bytes.subarray(0, size > MAX_SIZE ? 0 : size);
    } finally {
      closeSync(file);
    }
  } catch {
    return bytes.subarray(0, 0);
  }
}

/** Beside it and renamed: a reader sees a whole file or none. */
function keep(directory: string, name: string, bytes: Uint8Array): void {
  const beside = `${directory}/.${name}.${crypto.randomUUID()}`;
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  try {
    writeFileSync(beside, bytes, { mode: 0o600, flag: "wx" });
    renameSync(beside, `${directory}/${name}`);
  } finally {
    rmSync(beside, { force: true });
  }
  forgetOldest(directory);
}

function forgetOldest(directory: string): void {
  const paths = readdirSync(directory).map((name) => `${directory}/${name}`);
  if (paths.length <= MAX_FILES) return;
  const age = (path: string) => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  const byAge = paths.map((path) => ({ path, time: age(path) })).toSorted((a, b) => a.time - b.time);
  for (const { path } of byAge.slice(0, paths.length - MAX_FILES)) rmSync(path, { force: true });
}
