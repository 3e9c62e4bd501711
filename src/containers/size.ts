/** How much a container has written. Walks its layer: only for those who ask for sizes. */
import type { Dirent } from "node:fs";
import { lstat, readdir } from "node:fs/promises";
import { hasErrno } from "../kernel/error.ts";
import type { Parts } from "./parts.ts";
import { containerDirectory } from "./places.ts";

const ENOENT = 2;
const ENOTDIR = 20;

/** Bytes of the files in the container's own layer; hard links count once. */
export async function writtenBytes({ places }: Parts, id: string): Promise<number> {
  return bytesBelow(`${containerDirectory(places, id)}/upper`, new Set());
}

async function bytesBelow(directory: string, seen: Set<number>): Promise<number> {
  let sum = 0;
  for (const entry of await entriesOf(directory)) {
    const path = `${directory}/${entry.name}`;
    sum += entry.isDirectory() ? await bytesBelow(path, seen) : await fileBytes(path, seen);
  }
  return sum;
}

/** The container may be at work in it, or be removed. */
async function entriesOf(directory: string): Promise<Dirent[]> {
  try {
    return await readdir(directory, { withFileTypes: true });
  } catch (error) {
    if (!hasErrno(error, ENOENT, ENOTDIR)) throw error;
    return [];
  }
}

async function fileBytes(path: string, seen: Set<number>): Promise<number> {
  try {
    const { ino, nlink, size } = await lstat(path);
    if (nlink > 1 && seen.has(ino)) return 0;
    seen.add(ino);
    return size;
  } catch {
    return 0; // gone meanwhile
  }
}
