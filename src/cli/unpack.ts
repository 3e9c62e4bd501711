/**
 * A tar from a container onto our disk. The container is not trusted: nothing is written outside of the directory,
 * and no link is followed on the way, whoever has made it.
 */
import {
  chmodSync,
  closeSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  constants,
  symlinkSync,
  unlinkSync,
  futimesSync,
  ftruncateSync,
  utimesSync,
  writeSync,
} from "node:fs";
import { BerthError } from "../lib/error.ts";
import { byteStringOf, displayName, fromByteString, type ByteString } from "../lib/tar.ts";
import type { TarEntry } from "../lib/tar-reader.ts";

export async function unpackInto(directory: string, entries: AsyncIterable<TarEntry>): Promise<void> {
  const top = byteStringOf(directory.replace(/\/+$/, "") || "/");
  const times: { path: Buffer; seconds: number }[] = [];
  for await (const entry of entries) {
    const path = placeIn(top, entry.name);
    await unpackOne(top, path, entry);
    if (entry.type === "directory" && path !== top)
      times.push({ path: fromByteString(path), seconds: secondsOf(entry) });
  }
  // Last: what was put into a directory has changed its time.
  for (const { path, seconds } of times.toReversed()) utimesSync(path, seconds, seconds);
}

async function unpackOne(top: ByteString, path: ByteString, entry: TarEntry): Promise<void> {
  requirePlainParents(top, path);
  const there = lstatSync(fromByteString(path), { throwIfNoEntry: false });
  if (entry.type === "directory") return makeDirectory(path, entry, there?.isDirectory());
  if (there?.isDirectory()) {
    throw new BerthError("conflict", `cannot overwrite directory "${displayName(path)}" with non-directory`);
  }
  if (there !== undefined) unlinkSync(fromByteString(path));
  if (entry.type === "symlink") return symlinkSync(fromByteString(entry.linkName), fromByteString(path));
  if (entry.type === "link") return linkWithin(top, entry, path);
  if (entry.type === "file") return await writeFile(path, entry);
  throw new BerthError(
    "unsupported",
    `${displayName(entry.name)}: a ${entry.type} cannot be copied out of a container`,
  );
}

function makeDirectory(path: ByteString, entry: TarEntry, there: boolean | undefined): void {
  if (there === false) {
    throw new BerthError("conflict", `cannot overwrite non-directory "${displayName(path)}" with directory`);
  }
  if (there === true) return;
  mkdirSync(fromByteString(path));
  chmodSync(fromByteString(path), entry.mode);
}

async function writeFile(path: ByteString, entry: TarEntry): Promise<void> {
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
  const fd = openSync(fromByteString(path), flags, 0o600);
  try {
    for await (const { offset, bytes } of entry.data()) {
      for (let done = 0; done < bytes.length;) {
        done += writeSync(fd, bytes, done, bytes.length - done, offset + done);
      }
    }
    ftruncateSync(fd, entry.size);
    futimesSync(fd, secondsOf(entry), secondsOf(entry));
  } finally {
    closeSync(fd);
  }
  chmodSync(fromByteString(path), entry.mode & 0o777);
}

function linkWithin(top: ByteString, entry: TarEntry, path: ByteString): void {
  const target = placeIn(top, entry.linkName);
  requirePlainParents(top, target);
  linkSync(fromByteString(target), fromByteString(path));
}

/** The path of an entry, which must lie within. */
function placeIn(top: ByteString, name: ByteString): ByteString {
  const parts = name.split("/").filter((part) => part !== "" && part !== ".");
  if (parts.includes("..") || name.includes("\0")) throw escaping(name);
  return parts.length === 0 ? top : `${top === "/" ? "" : top}/${parts.join("/")}`;
}

/** A link between `top` and the entry could lead anywhere: such an archive is refused. */
function requirePlainParents(top: ByteString, path: ByteString): void {
  const parts = path
    .slice(top.length)
    .split("/")
    .filter((part) => part !== "");
  let parent = top === "/" ? "" : top;
  for (const part of parts.slice(0, -1)) {
    parent = `${parent}/${part}`;
    const stat = lstatSync(fromByteString(parent), { throwIfNoEntry: false });
    if (stat === undefined) mkdirSync(fromByteString(parent));
    else if (!stat.isDirectory()) throw escaping(path);
  }
}

function secondsOf({ mtime }: TarEntry): number {
  return mtime.seconds + mtime.nanoseconds / 1e9;
}

function escaping(name: ByteString): BerthError {
  return new BerthError(
    "invalid",
    `refused: "${displayName(name)}" would be written outside of its destination`,
  );
}
