/**
 * Makes the entries of an archive into files below a directory. Everything about an entry is hostile: names that climb, parents that
 * are links, links that point away, devices that were put where a file is written next. Nothing is ever opened that was not made here.
 */
import {
  chmodSync,
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  ftruncateSync,
  lchownSync,
  linkSync,
  mkdirSync,
  openSync,
  symlinkSync,
  writeSync,
} from "node:fs";
import { hasErrno } from "../../kernel/error.ts";
import { mknod, setxattr, utimensat } from "../../kernel/libc.ts";
import { BerthError } from "../../lib/error.ts";
import type { TarEntry } from "../../lib/tar-reader.ts";
import { type ByteString, displayName, type TarHeader, type TarTime } from "../../lib/tar.ts";
import { outsideOwner } from "./owners.ts";
import { fileError, joinPath, lookAt, nativePath, parentOf, removeAll } from "./paths.ts";
import type { UnpackOptions } from "./protocol.ts";

const WHITEOUT = ".wh.";
const OPAQUE = ".wh..wh..opq";
const WHITEOUT_META = ".wh..wh.";
const YES = new Uint8Array([0x79]);
const FILE_TYPES = { char: constants.S_IFCHR, block: constants.S_IFBLK, fifo: constants.S_IFIFO } as const;

export class Unpacker {
  readonly #base: ByteString;
  readonly #options: UnpackOptions;
  /** Directories that are known to be real ones, so that each is looked at once. */
  readonly #directories = new Set<ByteString>();
  /** Set at the end: making a file in a directory changes its time. */
  readonly #times = new Map<ByteString, TarTime>();
  #size = 0;

  /** `base` is a directory, written so that it is reached without following a link in its last part (`/x/.`). */
  constructor(base: ByteString, options: UnpackOptions) {
    this.#base = base;
    this.#options = options;
    this.#directories.add(base);
  }

  /** Bytes of the files that were written. */
  get size(): number {
    return this.#size;
  }

  async add(entry: TarEntry): Promise<void> {
    const parts = partsOf(entry.name);
    const path = parts.length === 0 ? this.#base : `${this.#base}/${parts.join("/")}`;
    try {
      if (parts.length === 0) return this.#addRoot(entry);
      this.#ensureParents(parts);
      const name = parts.at(-1) ?? "";
      if (this.#options.whiteouts === true && name.startsWith(WHITEOUT))
        return this.#addWhiteout(path, name, entry);
      await this.#addEntry(path, entry);
    } catch (error) {
      throw fileError(`unpack ${entry.type}`, entry.name, error);
    }
  }

  /** To be called behind the last entry. */
  finish(): void {
    for (const [path, time] of this.#times) {
      try {
        utimensat(nativePath(path), time);
      } catch (error) {
        throw fileError("set time of", path, error);
      }
    }
  }

  #addRoot(entry: TarHeader): void {
    if (entry.type !== "directory")
      throw refused(entry.name, `is a ${entry.type} in the place of the root directory`);
    if (this.#options.whiteouts === true) this.#applyMetadata(this.#base, entry);
  }

  async #addEntry(path: ByteString, entry: TarEntry): Promise<void> {
    const existing = this.#makeRoom(path, entry);
    switch (entry.type) {
      case "file":
        return this.#writeFile(path, entry);
      case "directory":
        if (existing !== "directory") mkdirSync(nativePath(path), 0o700);
        if (existing === "whiteout") setxattr(nativePath(path), "trusted.overlay.opaque", YES);
        this.#directories.add(path);
        break;
      case "link":
        return this.#hardLink(path, entry);
      case "symlink":
        if (entry.linkName === "") throw refused(entry.name, "is a symbolic link to nothing");
        symlinkSync(nativePath(entry.linkName), nativePath(path));
        break;
      case "char":
      case "block":
      case "fifo":
        this.#makeDevice(path, entry, FILE_TYPES[entry.type]);
        break;
    }
    this.#applyMetadata(path, entry);
  }

  /** Removes what is in the way. A directory stays where a directory comes. */
  #makeRoom(path: ByteString, entry: TarHeader): "directory" | "whiteout" | undefined {
    const stats = lookAt(path);
    if (stats === undefined) return undefined;
    const isDirectory = entry.type === "directory";
    if (stats.isDirectory() && isDirectory) return "directory";
    if (this.#options.noOverwriteDirNonDir === true && stats.isDirectory() !== isDirectory)
      throw new BerthError(
        "invalid",
        `cannot overwrite ${stats.isDirectory() ? "directory" : "non-directory"} "${displayName(entry.name)}" with ${isDirectory ? "directory" : "non-directory"}`,
      );
    removeAll(path, stats);
    if (stats.isDirectory()) this.#forget(path);
    return isWhiteout(stats) ? "whiteout" : undefined;
  }

  async #writeFile(path: ByteString, entry: TarEntry): Promise<void> {
    this.#count(entry);
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
    const descriptor = openSync(nativePath(path), flags, 0o600);
    try {
      if (entry.extents !== undefined) ftruncateSync(descriptor, entry.size);
      for await (const { offset, bytes } of entry.data()) writeFully(descriptor, bytes, offset);
      const { uid, gid } = outsideOwner(this.#options.owner ?? entry);
      fchownSync(descriptor, uid, gid);
      this.#setXattrs(path, entry);
      fchmodSync(descriptor, entry.mode); // behind chown, which takes setuid away
    } finally {
      closeSync(descriptor);
    }
    utimensat(nativePath(path), entry.mtime);
  }

  /** Bytes on disk count, holes do not; a single file may not claim to be larger than a filesystem. */
  #count(entry: TarHeader): void {
    const stored = entry.extents?.reduce((sum, { length }) => sum + length, 0) ?? entry.size;
    this.#size += stored;
    const limit = this.#options.limitBytes;
    if (limit !== undefined && this.#size > limit)
      throw new BerthError("invalid", `archive holds more than the limit of ${limit} bytes`);
  }

  /** To an earlier entry only. A link to a link is a link to that link itself, never to what it points to. */
  #hardLink(path: ByteString, entry: TarHeader): void {
    const parts = partsOf(entry.linkName);
    const target = `${this.#base}/${parts.join("/")}`;
    this.#checkParents(parts, `is a hard link to "${displayName(entry.linkName)}", which`);
    const stats = lookAt(target);
    if (stats === undefined)
      throw refused(
        entry.name,
        `is a hard link to "${displayName(entry.linkName)}", which is not in the archive`,
      );
    if (stats.isDirectory())
      throw refused(entry.name, `is a hard link to the directory "${displayName(entry.linkName)}"`);
    if (isWhiteout(stats)) throw refused(entry.name, "is a hard link to a whiteout");
    linkSync(nativePath(target), nativePath(path));
  }

  /** 0:0 is how an overlay writes "deleted"; an archive says that with `.wh.`. */
  #makeDevice(path: ByteString, entry: TarHeader, type: number): void {
    if (entry.type === "char" && entry.major === 0 && entry.minor === 0)
      throw refused(entry.name, "is the device 0:0, a forged whiteout");
    if (entry.major < 0 || entry.major > 0xfff || entry.minor < 0 || entry.minor > 0xfffff)
      throw refused(entry.name, `has the device number ${entry.major}:${entry.minor}`);
    mknod(nativePath(path), type | 0o600, entry.major, entry.minor);
  }

  /** OCI image-spec, layer.md "Whiteouts": about lower layers only, so what this layer itself has stays. */
  #addWhiteout(path: ByteString, name: ByteString, entry: TarHeader): void {
    const parent = parentOf(path);
    if (name === OPAQUE) return setxattr(nativePath(parent), "trusted.overlay.opaque", YES);
    if (name.startsWith(WHITEOUT_META)) return; // aufs's own notes
    const hidden = name.slice(WHITEOUT.length);
    if (hidden === "" || hidden === "." || hidden === "..")
      throw refused(entry.name, "is a whiteout of nothing");
    const target = joinPath(parent, hidden);
    const stats = lookAt(target);
    if (stats === undefined) return mknod(nativePath(target), constants.S_IFCHR, 0, 0);
    if (stats.isDirectory()) setxattr(nativePath(target), "trusted.overlay.opaque", YES);
  }

  #ensureParents(parts: readonly ByteString[]): void {
    let path = this.#base;
    for (const part of parts.slice(0, -1)) {
      path = `${path}/${part}`;
      if (this.#directories.has(path)) continue;
      const stats = lookAt(path);
      if (stats === undefined || (this.#options.whiteouts === true && isWhiteout(stats)))
        this.#makeParent(path, stats !== undefined);
      else this.#checkParent(path, stats.isDirectory(), stats.isSymbolicLink(), parts);
      this.#directories.add(path);
    }
  }

  #makeParent(path: ByteString, replacesWhiteout: boolean): void {
    if (replacesWhiteout) removeAll(path);
    mkdirSync(nativePath(path), 0o755);
    if (replacesWhiteout) setxattr(nativePath(path), "trusted.overlay.opaque", YES);
  }

  /** In a container's root, links are the container's own and the place holds them in; in a layer they are a way out of order. */
  #checkParent(path: ByteString, isDirectory: boolean, isLink: boolean, parts: readonly ByteString[]): void {
    if (isDirectory) return;
    const shown = displayName(path.slice(this.#base.length + 1));
    if (isLink && this.#options.whiteouts !== true && lookAt(joinPath(path, "."))?.isDirectory() === true)
      return;
    throw refused(
      parts.join("/"),
      `goes through "${shown}", which is ${isLink ? "a symbolic link" : "no directory"}`,
    );
  }

  #checkParents(parts: readonly ByteString[], what: string): void {
    let path = this.#base;
    for (const part of parts.slice(0, -1)) {
      path = `${path}/${part}`;
      const stats = lookAt(path);
      if (stats !== undefined && !stats.isSymbolicLink()) continue;
      if (stats === undefined) return;
      if (this.#options.whiteouts === true)
        throw refused(parts.join("/"), `${what} goes through a symbolic link`);
    }
  }

  #applyMetadata(path: ByteString, entry: TarHeader): void {
    const { uid, gid } = outsideOwner(this.#options.owner ?? entry);
    lchownSync(nativePath(path), uid, gid);
    this.#setXattrs(path, entry);
    if (entry.type === "directory") this.#times.set(path, entry.mtime);
    else utimensat(nativePath(path), entry.mtime);
    if (entry.type !== "symlink") chmodSync(nativePath(path), entry.mode);
  }

  #setXattrs(path: ByteString, entry: TarHeader): void {
    for (const [name, value] of entry.xattrs) {
      if (name.startsWith("trusted.overlay."))
        throw refused(entry.name, `has the attribute "${displayName(name)}", which is the overlay's own`);
      try {
        setxattr(nativePath(path), nativePath(name), value);
      } catch (error) {
        if (!isUnsupported(error)) throw error; // docker, too, drops what this filesystem cannot hold
      }
    }
  }

  #forget(path: ByteString): void {
    for (const known of this.#directories)
      if (known === path || known.startsWith(`${path}/`)) this.#directories.delete(known);
    for (const known of this.#times.keys())
      if (known === path || known.startsWith(`${path}/`)) this.#times.delete(known);
  }
}

/** Absolute names are taken as relative, as every tar does; a name that climbs is refused. */
function partsOf(name: ByteString): ByteString[] {
  const parts = name.split("/").filter((part) => part !== "" && part !== ".");
  if (parts.includes("..")) throw refused(name, 'has ".." in its name');
  return parts;
}

function isWhiteout(stats: { isCharacterDevice(): boolean; rdev: number }): boolean {
  return stats.isCharacterDevice() && stats.rdev === 0;
}

/** ids are 32 bits; -1 means "unchanged" to chown, and would leave root as owner. */
const [EPERM, EINVAL, EOPNOTSUPP] = [1, 22, 95];

function isUnsupported(error: unknown): boolean {
  return hasErrno(error, EPERM, EINVAL, EOPNOTSUPP);
}

function writeFully(descriptor: number, bytes: Uint8Array, offset: number): void {
  for (let at = 0; at < bytes.length;) at += writeSync(descriptor, bytes, at, bytes.length - at, offset + at);
}

function refused(name: ByteString, why: string): BerthError {
  return new BerthError("invalid", `archive refused: entry "${displayName(name)}" ${why}`);
}
