/** Packs a path of a worker's place into a tar archive: hard links, devices, FIFOs, xattrs as they are; sockets are left out. */
import { type BigIntStats, closeSync, fstatSync, lstatSync, readSync } from "node:fs";
import { getxattr, listxattr } from "../../kernel/libc.ts";
import { BerthError } from "../../lib/error.ts";
import { encodeHeader, END_OF_TAR, padding } from "../../lib/tar-writer.ts";
import { type ByteString, byteStringOf, type TarHeader, type TarTime, type TarType } from "../../lib/tar.ts";
import { insideOwner } from "./owners.ts";
import { joinPath, namesIn, nativePath, openFile, readLink } from "./paths.ts";
import type { PackOptions } from "./protocol.ts";

const NS_PER_SECOND = 1_000_000_000n;

type Emit = (bytes: Uint8Array) => void;

interface Packing {
  readonly emit: Emit;
  readonly whiteouts: boolean;
  /** Name in the archive of each file with several links, by device and inode. */
  readonly links: Map<string, ByteString>;
  readonly buffer: Uint8Array;
}

/** Hands the archive to `emit` piece by piece. `not_found` when `path` does not exist. */
export function packPath(path: string, options: PackOptions, emit: Emit): void {
  const source = byteStringOf(path);
  const stats = lookClosely(source);
  if (stats === undefined) throw new BerthError("not_found", `${path}: no such file or directory`);
  const packing: Packing = {
    emit,
    whiteouts: options.whiteouts === true,
    links: new Map(),
    buffer: new Uint8Array(1 << 18),
  };
  const name = byteStringOf(options.as ?? path.replace(/\/+$/, "").split("/").at(-1) ?? "");
  if (name === "" && stats.isDirectory()) packChildren(source, "", packing);
  else packEntry(source, name === "" ? "." : name, stats, packing);
  emit(END_OF_TAR);
}

function packChildren(path: ByteString, name: ByteString, packing: Packing): void {
  for (const child of namesIn(path)) {
    const stats = lookClosely(joinPath(path, child)); // gone by now: a running container may do that
    if (stats !== undefined)
      packEntry(joinPath(path, child), name === "" ? child : `${name}/${child}`, stats, packing);
  }
}

function packEntry(path: ByteString, name: ByteString, stats: BigIntStats, packing: Packing): void {
  const type = typeOf(stats);
  if (type === undefined) return;
  if (packing.whiteouts && type === "char" && stats.rdev === 0n)
    return packing.emit(encodeHeader(whiteout(name)));
  const linkName = earlierName(stats, name, packing);
  if (linkName !== undefined)
    return packing.emit(encodeHeader({ ...headerOf(path, name, stats, "link"), linkName }));
  if (type === "file") return packFile(path, name, stats, packing);
  packing.emit(encodeHeader(headerOf(path, name, stats, type)));
  if (type !== "directory") return;
  if (packing.whiteouts && isOpaque(path))
    packing.emit(encodeHeader({ name: `${name}/.wh..wh..opq`, type: "file" }));
  packChildren(path, name, packing);
}

function headerOf(path: ByteString, name: ByteString, stats: BigIntStats, type: TarType): TarHeader {
  return {
    type,
    name: type === "directory" ? `${name}/` : name,
    linkName: type === "symlink" ? readLink(path) : "",
    size: type === "file" ? Number(stats.size) : 0,
    mode: Number(stats.mode & 0o7777n),
    ...insideOwner({ uid: Number(stats.uid), gid: Number(stats.gid) }),
    userName: "",
    groupName: "",
    mtime: toTarTime(stats.mtimeNs),
    major: type === "char" || type === "block" ? majorOf(stats.rdev) : 0,
    minor: type === "char" || type === "block" ? minorOf(stats.rdev) : 0,
    xattrs: type === "link" ? new Map() : xattrsOf(path),
  };
}

/** Exactly as many bytes as the header says: a file that grows is cut, one that shrinks is filled with zeroes. */
function packFile(path: ByteString, name: ByteString, seen: BigIntStats, packing: Packing): void {
  const descriptor = openFile(path, "nofollow");
  if (descriptor === undefined) return; // replaced under our hands by something else
  try {
    const stats = fstatSync(descriptor, { bigint: true });
    if (stats.ino !== seen.ino) return;
    packing.emit(encodeHeader(headerOf(path, name, stats, "file")));
    for (let left = Number(stats.size); left > 0;) {
      const length = readSync(descriptor, packing.buffer, 0, Math.min(left, packing.buffer.length), null);
      const chunk =
        length === 0
          ? new Uint8Array(Math.min(left, packing.buffer.length))
          : packing.buffer.subarray(0, length);
      packing.emit(chunk);
      left -= chunk.length;
    }
    packing.emit(padding(Number(stats.size)));
  } finally {
    closeSync(descriptor);
  }
}

function earlierName(stats: BigIntStats, name: ByteString, { links }: Packing): ByteString | undefined {
  if (stats.nlink < 2n || stats.isDirectory()) return undefined;
  const key = `${stats.dev}:${stats.ino}`;
  const earlier = links.get(key);
  if (earlier === undefined) links.set(key, name);
  return earlier;
}

function typeOf(stats: BigIntStats): TarType | undefined {
  if (stats.isFile()) return "file";
  if (stats.isDirectory()) return "directory";
  if (stats.isSymbolicLink()) return "symlink";
  if (stats.isCharacterDevice()) return "char";
  if (stats.isBlockDevice()) return "block";
  return stats.isFIFO() ? "fifo" : undefined;
}

function whiteout(name: ByteString): { name: ByteString; type: "file" } {
  const slash = name.lastIndexOf("/") + 1;
  return { name: `${name.slice(0, slash)}.wh.${name.slice(slash)}`, type: "file" };
}

function isOpaque(path: ByteString): boolean {
  return getxattr(nativePath(path), "trusted.overlay.opaque")?.[0] === 0x79;
}

/** All but what belongs to this machine: the overlay's own marks and SELinux labels. */
function xattrsOf(path: ByteString): Map<ByteString, Uint8Array> {
  const found = new Map<ByteString, Uint8Array>();
  for (const name of listxattr(nativePath(path))) {
    if (name.startsWith("trusted.overlay.") || name === "security.selinux") continue;
    const value = getxattr(nativePath(path), name);
    if (value !== undefined) found.set(name, value);
  }
  return found;
}

/** glibc's gnu_dev_major and gnu_dev_minor. */
function majorOf(device: bigint): number {
  return Number(((device >> 8n) & 0xfffn) | ((device >> 32n) & 0xfffff000n));
}
function minorOf(device: bigint): number {
  return Number((device & 0xffn) | ((device >> 12n) & 0xffffff00n));
}

/** With nanoseconds, which a number of milliseconds would lose. */
function lookClosely(path: ByteString): BigIntStats | undefined {
  return lstatSync(nativePath(path), { bigint: true, throwIfNoEntry: false });
}

function toTarTime(nanoseconds: bigint): TarTime {
  const fraction = ((nanoseconds % NS_PER_SECOND) + NS_PER_SECOND) % NS_PER_SECOND;
  return { seconds: Number((nanoseconds - fraction) / NS_PER_SECOND), nanoseconds: Number(fraction) };
}
