/** Reads a `json-file` log and the files that rotation made of it, oldest line first, without losing its place. */
import { closeSync, existsSync, fstatSync, openSync, readSync } from "node:fs";
import type { LogFile } from "../runtime/runtime.ts";

const BLOCK_BYTES = 64 << 10;
const MAX_FILES = 100;
const NEWLINE = 10;

interface OpenFile {
  readonly fd: number;
  readonly inode: number;
  /** What stands behind is not ours to read. */
  readonly end: number;
}

/** Blocks of whole lines, from pieces that end anywhere. */
export class WholeLines {
  #rest: Uint8Array = new Uint8Array(0);

  /** The lines that `piece` completes. */
  push(piece: Uint8Array): Uint8Array | undefined {
    const joined = this.#rest.length === 0 ? piece : Buffer.concat([this.#rest, piece]);
    const end = joined.lastIndexOf(NEWLINE) + 1;
    this.#rest = joined.slice(end);
    return end === 0 ? undefined : joined.subarray(0, end);
  }
}

/** Blocks of whole lines. At the end of the log read() gives undefined, and goes on when asked after more was written. */
export class LogFiles implements Disposable {
  readonly #path: string;
  /** Files that are made later belong to it too. */
  readonly #grows: boolean;
  #files: OpenFile[];
  #offset = 0;
  #lines = new WholeLines();

  /** From the first line that is kept; no log yet is an empty one. With `listed` those files, up to there, and no other. */
  constructor(path: string, listed?: readonly LogFile[]) {
    this.#path = path;
    this.#grows = listed === undefined;
    this.#files = listed === undefined ? openAll(path) : openListed(path, listed);
  }

  /** Moves to the last `lines` lines. */
  seekTail(lines: number): void {
    let wanted = lines;
    for (let index = this.#files.length - 1; index >= 0; index--) {
      const file = this.#files[index];
      if (file === undefined) continue;
      const found = offsetOfLastLines(file, wanted);
      wanted -= found.lines;
      if (wanted > 0) continue;
      for (const older of this.#files.splice(0, index)) closeSync(older.fd);
      this.#offset = found.offset;
      return;
    }
  }

  read(): Uint8Array | undefined {
    for (;;) {
      const current = this.#files[0];
      const block = current && this.#readBlock(current);
      if (block === undefined) {
        if (!this.#nextFile()) return undefined;
        continue;
      }
      const lines = this.#lines.push(block);
      if (lines !== undefined) return lines;
    }
  }

  #readBlock({ fd, end }: OpenFile): Uint8Array | undefined {
    const block = new Uint8Array(BLOCK_BYTES);
    const count = readSync(fd, block, 0, Math.min(BLOCK_BYTES, end - this.#offset), this.#offset);
    this.#offset += count;
    return count === 0 ? undefined : block.subarray(0, count);
  }

  /** The file after the one that was read to its end; false when that is still the one being written. */
  #nextFile(): boolean {
    const [current, next] = this.#files;
    if (next === undefined && !(this.#grows && this.#findNewer(current))) return false;
    if (current !== undefined) closeSync(current.fd);
    this.#files = current === undefined ? this.#files : this.#files.slice(1);
    this.#offset = 0;
    this.#lines = new WholeLines();
    return this.#files.length > 0;
  }

  /** Rotation renames: what was written since is in the files before ours. If ours is gone, the oldest that is left. */
  #findNewer(current: OpenFile | undefined): boolean {
    const files = openAll(this.#path);
    const place = files.findIndex(({ inode }) => inode === current?.inode);
    for (const known of files.splice(0, place + 1)) closeSync(known.fd);
    this.#files.push(...files);
    return files.length > 0;
  }

  [Symbol.dispose](): void {
    for (const { fd } of this.#files) closeSync(fd);
    this.#files = [];
  }
}

/** `path.2`, `path.1`, `path`: a rotation in between may show one file twice, which is then taken once. */
function openAll(path: string): OpenFile[] {
  const files: OpenFile[] = [];
  for (let number = 0; number < MAX_FILES; number++) {
    const file = openFile(number === 0 ? path : `${path}.${number}`);
    if (file === undefined) {
      if (number > 0) break;
      continue;
    }
    if (files.some(({ inode }) => inode === file.inode)) closeSync(file.fd);
    else files.unshift(file);
  }
  return files;
}

/** Those that are still there: when one was rotated away, so were all before it. */
function openListed(path: string, listed: readonly LogFile[]): OpenFile[] {
  const found = openAll(path);
  const files: OpenFile[] = [];
  for (const { inode, bytes } of listed.toReversed()) {
    const file = found.find((candidate) => candidate.inode === inode);
    if (file === undefined) break;
    files.unshift({ ...file, end: bytes });
  }
  for (const { fd } of found) if (!files.some((file) => file.fd === fd)) closeSync(fd);
  return files;
}

/** The paths of a log's files, as they are now. */
export function logFiles(path: string): string[] {
  const older = Array.from({ length: MAX_FILES - 1 }, (_, at) => `${path}.${at + 1}`);
  return [path, ...older].filter((name) => existsSync(name));
}

function openFile(path: string): OpenFile | undefined {
  try {
    const fd = openSync(path, "r");
    return { fd, inode: fstatSync(fd).ino, end: Infinity };
  } catch {
    return undefined; // not there, or no longer
  }
}

/** Where the last `wanted` lines begin, or how many there are if there are fewer. */
function offsetOfLastLines({ fd, end: limit }: OpenFile, wanted: number): { offset: number; lines: number } {
  const block = new Uint8Array(BLOCK_BYTES);
  let lines = 0;
  for (let end = Math.min(limit, fstatSync(fd).size); end > 0;) {
    const start = Math.max(0, end - BLOCK_BYTES);
    const count = readSync(fd, block, 0, end - start, start);
    for (let index = count - 1; index >= 0; index--) {
      if (block[index] !== NEWLINE) continue;
      if (lines === wanted) return { offset: start + index + 1, lines };
      lines++;
    }
    end = start;
  }
  return { offset: 0, lines };
}
