/** What node:fs lacks: devices, extended attributes, nanoseconds, locks, memory files, lookups that cannot leave a root. */
import { mkdirSync, writeSync } from "node:fs";
import { attempt, call, cString, type Path } from "./ffi.ts";
import { KernelError } from "./error.ts";

const AT_FDCWD = -100;
const AT_SYMLINK_NOFOLLOW = 0x100;
const LOCK_EX = 2;
const LOCK_EX_NB = LOCK_EX | 4;
const EAGAIN = 11;
const ENODATA = 61;
const EOPNOTSUPP = 95;

/** Makes `path` and its parents; keeps what is there. */
export function mkdirp(path: string, mode = 0o755): void {
  mkdirSync(path, { recursive: true, mode });
}

/** `mode` includes the kind, as S_IFCHR. */
export function mknod(path: Path, mode: number, major = 0, minor = 0): void {
  call("mknodat", "make the node", path, AT_FDCWD, cString(path), mode, deviceNumber(major, minor));
}

const S_IFIFO = 0o010000;

export function makeFifo(path: Path, mode: number): void {
  mknod(path, S_IFIFO | mode);
}

/** Linux's dev_t: the low 8 and high 12 bits of the minor number around the 12 of the major. */
export function deviceNumber(major: number, minor: number): number {
  return (minor & 0xff) | (major << 8) | ((minor & ~0xff) << 12);
}

/** Takes the lock, or answers false when somebody else holds it. It lives as long as the descriptor. */
export function flock(fd: number): boolean {
  const result = attempt("flock", fd, LOCK_EX_NB);
  if (result === -EAGAIN) return false;
  if (result < 0) throw new KernelError("lock", `descriptor ${fd}`, -result);
  return true;
}

/** Takes the lock, however long somebody else holds it. */
export function lockFile(fd: number): void {
  call("flock", "lock", `descriptor ${fd}`, fd, LOCK_EX);
}

export function setxattr(path: Path, name: Path, value: Uint8Array): void {
  call("lsetxattr", "set an attribute of", path, cString(path), cString(name), value, value.length, 0);
}

/** Undefined where there is none. */
export function getxattr(path: Path, name: Path): Uint8Array | undefined {
  const buffer = new Uint8Array(64 << 10); // the kernel's limit, XATTR_SIZE_MAX
  const length = attempt("lgetxattr", cString(path), cString(name), buffer, buffer.length);
  if (length === -ENODATA || length === -EOPNOTSUPP) return undefined;
  if (length < 0) throw new KernelError("read an attribute of", path, -length);
  return buffer.slice(0, length);
}

/** Names, one character for each byte. */
export function listxattr(path: Path): string[] {
  const buffer = new Uint8Array(64 << 10);
  const length = attempt("llistxattr", cString(path), buffer, buffer.length);
  if (length === -EOPNOTSUPP) return [];
  if (length < 0) throw new KernelError("list the attributes of", path, -length);
  return Buffer.from(buffer.subarray(0, length)).toString("latin1").split("\0").filter(Boolean);
}

export function removexattr(path: Path, name: Path): void {
  call("lremovexattr", "remove an attribute of", path, cString(path), cString(name));
}

export interface Timestamp {
  readonly seconds: number;
  readonly nanoseconds: number;
}

/** Of the path itself, not of what a link points to. */
export function utimensat(path: Path, modified: Timestamp, accessed: Timestamp = modified): void {
  const times = new BigUint64Array(
    [accessed, modified].flatMap((time) => [
      BigInt.asUintN(64, BigInt(time.seconds)),
      BigInt(time.nanoseconds),
    ]),
  );
  call("utimensat", "set the times of", path, AT_FDCWD, cString(path), times, AT_SYMLINK_NOFOLLOW);
}

export function syncfs(fd: number): void {
  call("syncfs", "write back the file system of", `descriptor ${fd}`, fd);
}

const POSIX_FADV_DONTNEED = 4;
const SYNC_FILE_RANGE_WRITE = 2;

/** The pages of this part need not stay in memory. Advice: what cannot be dropped stays. */
export function dropCache(fd: number, offset: number, length: number): void {
  attempt("fadvise64", fd, offset, length, POSIX_FADV_DONTNEED);
}

/** Begins to write this part to the disk, and does not wait. Advice, too. */
export function startWriteback(fd: number, offset: number, length: number): void {
  attempt("sync_file_range", fd, offset, length, SYNC_FILE_RANGE_WRITE);
}

export const RESOLVE_IN_ROOT = 0x10;
export const RESOLVE_NO_MAGICLINKS = 0x02;
export const RESOLVE_NO_SYMLINKS = 0x04;
export const RESOLVE_BENEATH = 0x08;
const O_CLOEXEC = 0o2000000;

/** A descriptor of `path`, resolved as `resolve` demands below `directory`. The caller closes it. */
export function openat2(
  directory: number,
  path: Path,
  flags: number,
  mode = 0,
  resolve = RESOLVE_IN_ROOT,
): number {
  const how = new BigUint64Array([BigInt(flags | O_CLOEXEC), BigInt(mode), BigInt(resolve)]);
  return call("openat2", "open", path, directory, cString(path), how, how.byteLength);
}

const MFD_CLOEXEC_ALLOW_SEALING = 3;
const F_ADD_SEALS = 1033;
const SEAL_EVERYTHING = 1 | 2 | 4 | 8;

/** A file in memory. Sealed, nobody can change it any more, not even through /proc/PID/exe of a program it holds. */
export function memfd(name: string, bytes: Uint8Array, options: { seal: boolean }): number {
  const fd = call("memfd_create", "make the memory file", name, cString(name), MFD_CLOEXEC_ALLOW_SEALING);
  for (let at = 0; at < bytes.length;) at += writeSync(fd, bytes, at, bytes.length - at, at);
  if (options.seal) call("fcntl", "seal the memory file", name, fd, F_ADD_SEALS, SEAL_EVERYTHING);
  return fd;
}
