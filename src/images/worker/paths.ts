/** Paths as bytes inside a worker's place: what node:fs wants, what is there, and what docker says about it. */
import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readlinkSync,
  readSync,
  rmdirSync,
  readdirSync,
  type Stats,
  unlinkSync,
} from "node:fs";
import { errnoName, errnoText } from "../../kernel/errno.ts";
import { hasErrno } from "../../kernel/error.ts";
import { openat2 } from "../../kernel/libc.ts";
import { BerthError } from "../../lib/error.ts";
import { type ByteString, byteStringOf, displayName, fromByteString, toByteString } from "../../lib/tar.ts";
import type { PathStat } from "../../wire/requests.ts";

const ENOTDIR = 20;

/** As node:fs takes it: text where it is ASCII, else bytes. */
export function nativePath(path: ByteString): string | Buffer {
  // eslint-disable-next-line no-control-regex
  return /^[\x01-\x7f]*$/.test(path) ? path : fromByteString(path);
}

/** What is at `path`, without following it; undefined when nothing is. */
export function lookAt(path: ByteString): Stats | undefined {
  try {
    return lstatSync(nativePath(path), { throwIfNoEntry: false });
  } catch (error) {
    if (hasErrno(error, ENOTDIR)) return undefined;
    throw fileError("stat", path, error);
  }
}

export function readLink(path: ByteString): ByteString {
  return toByteString(readlinkSync(nativePath(path), { encoding: "buffer" }));
}

/** Names in a directory, in the order of their bytes. */
export function namesIn(path: ByteString): ByteString[] {
  return readdirSync(nativePath(path), { encoding: "buffer" }).map(toByteString).toSorted();
}

export function joinPath(directory: ByteString, name: ByteString): ByteString {
  return directory.endsWith("/") ? directory + name : `${directory}/${name}`;
}

export function parentOf(path: ByteString): ByteString {
  const slash = path.lastIndexOf("/");
  return slash <= 0 ? "/" : path.slice(0, slash);
}

/** Removes a file, or a directory with all that is in it; follows nothing. */
export function removeAll(path: ByteString, stats = lookAt(path)): void {
  if (stats === undefined) return;
  if (!stats.isDirectory()) return unlinkSync(nativePath(path));
  for (const name of namesIn(path)) removeAll(joinPath(path, name));
  rmdirSync(nativePath(path));
}

/** docker's stat of a path: a symbolic link says where it leads to inside the place. `not_found` when nothing is there. */
export function statPath(text: string): PathStat {
  const path = byteStringOf(text);
  const stats = lookAt(path);
  if (stats === undefined) throw new BerthError("not_found", `${text}: no such file or directory`);
  return {
    name: lastName(text),
    size: stats.size,
    mode: goMode(stats.mode),
    mtime: stats.mtime.toISOString(),
    linkTarget: stats.isSymbolicLink() ? displayName(resolveLinks(path)) : "",
  };
}

/**
 * The first `maxBytes` of a file; `not_found` when it is absent, nothing when it is not a regular file. One of the kernel's says that it
 * is empty, and is not read: that may wait for ever, or take away what others wanted to read (/proc/kmsg).
 */
export function readFile(text: string, maxBytes: number): Uint8Array {
  const descriptor = openFile(byteStringOf(text), "follow");
  if (descriptor === undefined) return new Uint8Array(0);
  try {
    const bytes = new Uint8Array(Math.min(maxBytes, fstatSync(descriptor).size));
    let filled = 0;
    for (let length = 1; length > 0 && filled < bytes.length; filled += length)
      length = readSync(descriptor, bytes, filled, bytes.length - filled, null);
    return bytes.subarray(0, filled);
  } finally {
    closeSync(descriptor);
  }
}

const AT_FDCWD = -100;
const O_PATH = 0o10000000;
let ownDescriptors: number | undefined;

/** To be called while /proc is still in sight. */
export function keepOwnDescriptors(): void {
  ownDescriptors = openSync("/proc/self/fd", constants.O_RDONLY | constants.O_DIRECTORY);
}

/**
 * Opens a regular file, or answers undefined for anything else. To open a device can do harm, and a running container may put one where
 * a file was a moment ago: so what is there is held first (O_PATH opens nothing), looked at, and only then opened, through the hold.
 */
export function openFile(path: ByteString, follow: "follow" | "nofollow"): number | undefined {
  try {
    const held = openat2(
      AT_FDCWD,
      nativePath(path),
      O_PATH | (follow === "follow" ? 0 : constants.O_NOFOLLOW),
      0,
      0,
    );
    try {
      return fstatSync(held).isFile()
        ? openat2(ownDescriptors ?? AT_FDCWD, String(held), constants.O_RDONLY, 0, 0)
        : undefined;
    } finally {
      closeSync(held);
    }
  } catch (error) {
    throw fileError("open", path, error);
  }
}

const CODES: Readonly<Record<string, BerthError["code"]>> = {
  ENOSPC: "no_space",
  EDQUOT: "no_space",
  ENOENT: "not_found",
  ENOTDIR: "invalid",
  ENAMETOOLONG: "invalid",
  ELOOP: "invalid",
  EROFS: "invalid",
};

/** `unpack file "usr/bin/x": no space left on device`. Failures that have their words already stay as they are. */
export function fileError(what: string, path: ByteString, error: unknown): unknown {
  const errno = errnoOf(error);
  if (errno === undefined) return error;
  const code = CODES[errnoName(errno)] ?? "internal";
  return new BerthError(code, `${what} "${displayName(path)}": ${errnoText(errno)}`, { cause: error });
}

function errnoOf(error: unknown): number | undefined {
  return error instanceof Error && "errno" in error && typeof error.errno === "number"
    ? Math.abs(error.errno)
    : undefined;
}

/** Go's os.FileMode (io/fs/fs.go): its own bits for the type, the permissions as they are. */
export function goMode(mode: number): number {
  const kinds: Readonly<Record<number, number>> = {
    [constants.S_IFDIR]: 2 ** 31,
    [constants.S_IFLNK]: 2 ** 27,
    [constants.S_IFBLK]: 2 ** 26,
    [constants.S_IFIFO]: 2 ** 25,
    [constants.S_IFSOCK]: 2 ** 24,
    [constants.S_IFCHR]: 2 ** 26 + 2 ** 21,
  };
  const special =
    (mode & 0o4000 ? 2 ** 23 : 0) + (mode & 0o2000 ? 2 ** 22 : 0) + (mode & 0o1000 ? 2 ** 20 : 0);
  return (kinds[mode & constants.S_IFMT] ?? 0) + special + (mode & 0o777);
}

/** Where `path` leads to when every link is followed; what does not exist is taken as it is written. */
function resolveLinks(path: ByteString): ByteString {
  let resolved = "";
  let links = 0;
  const todo = path.split("/").toReversed();
  for (let part = todo.pop(); part !== undefined; part = todo.pop()) {
    if (part === "" || part === ".") continue;
    if (part === "..") {
      resolved = resolved.slice(0, Math.max(0, resolved.lastIndexOf("/")));
      continue;
    }
    const next = `${resolved}/${part}`;
    if (lookAt(next)?.isSymbolicLink() !== true || ++links > 255) {
      resolved = next;
      continue;
    }
    const target = readLink(next);
    if (target.startsWith("/")) resolved = "";
    todo.push(...target.split("/").toReversed());
  }
  return resolved === "" ? "/" : resolved;
}

/** Go's path.Base. */
function lastName(path: string): string {
  return path.replace(/\/+$/, "").split("/").at(-1) || "/";
}
