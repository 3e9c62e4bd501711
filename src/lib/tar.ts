/**
 * What a tar entry is. Names are bytes, not text: a `ByteString` has one character (0 to 255) for each byte, so that names that
 * are no UTF-8 survive every step. POSIX.1-2017 `pax`, and the GNU tar manual ("Basic Tar Format", "Storing Sparse Files").
 */
import { BerthError } from "./error.ts";

export type ByteString = string;

export type TarType = "file" | "link" | "symlink" | "char" | "block" | "directory" | "fifo";

/** Since 1970, `nanoseconds` always 0 to 999 999 999. */
export interface TarTime {
  readonly seconds: number;
  readonly nanoseconds: number;
}

/** A piece of a sparse file that has data; the rest of it are holes. */
export interface Extent {
  readonly offset: number;
  readonly length: number;
}

export interface TarHeader {
  readonly type: TarType;
  readonly name: ByteString;
  /** Target of a symbolic link, or name of an earlier entry for a hard link. */
  readonly linkName: ByteString;
  /** Bytes of the file as it will be, holes included. */
  readonly size: number;
  /** Permission bits, with setuid, setgid and sticky. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly userName: ByteString;
  readonly groupName: ByteString;
  readonly mtime: TarTime;
  readonly major: number;
  readonly minor: number;
  /** Extended attributes by their full name (`security.capability`). */
  readonly xattrs: ReadonlyMap<ByteString, Uint8Array>;
  /** Where the data of a sparse file goes; absent when the file has no holes. */
  readonly extents?: readonly Extent[];
}

export const BLOCK = 512;

/** Bytes that fill up the last block of `size` bytes of content. */
export function paddingOf(size: number): number {
  return (BLOCK - (size % BLOCK)) % BLOCK;
}

export function toByteString(bytes: Uint8Array): ByteString {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
}

export function fromByteString(name: ByteString): Buffer {
  return Buffer.from(name, "latin1");
}

/** As people read it: UTF-8 where it is that, else with replacement characters. */
export function displayName(name: ByteString): string {
  return new TextDecoder().decode(fromByteString(name));
}

/** The ByteString of a JavaScript text, in UTF-8. */
export function byteStringOf(text: string): ByteString {
  return toByteString(new TextEncoder().encode(text));
}

export function tarError(what: string): BerthError {
  return new BerthError("corrupt", what);
}
