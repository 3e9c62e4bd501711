/** Reads tar archives as streams: ustar, pax, GNU long names, base-256 numbers, sparse files. Nothing of an entry is kept in memory. */
import { ByteReader } from "./byte-reader.ts";
import { checksumMatches, FIELD, isZeroBlock, readNumber, readText } from "./tar-fields.ts";
import { type PaxRecords, parsePax, parsePaxNumber, parsePaxTime } from "./tar-pax.ts";
import { checkSparse, readGnuSparse, readPaxSparse, type Sparse } from "./tar-sparse.ts";
import {
  BLOCK,
  type ByteString,
  displayName,
  paddingOf,
  tarError,
  type TarHeader,
  type TarType,
  toByteString,
} from "./tar.ts";

/** A pax header with every xattr of a file in it fits; what is longer is an attack on our memory. */
const MAX_EXTENDED_BYTES = 1 << 20;
const XATTR = "SCHILY.xattr.";

const TYPES: Readonly<Record<string, TarType>> = {
  "0": "file",
  "\0": "file",
  "7": "file",
  S: "file",
  "1": "link",
  "2": "symlink",
  "3": "char",
  "4": "block",
  "5": "directory",
  D: "directory",
  "6": "fifo",
};

/** An entry, with its content to be read (or not) before the next one is asked for. */
export interface TarEntry extends TarHeader {
  /** The stored bytes and where in the file they go. Views: good until the next step. */
  data(): AsyncGenerator<{ readonly offset: number; readonly bytes: Uint8Array }>;
}

/** Yields each entry in order. Throws `corrupt` for anything that is no whole tar archive. Reads `source` to its end. */
export async function* readTar(source: AsyncIterable<Uint8Array>): AsyncGenerator<TarEntry, void, void> {
  const reader = new ByteReader(source);
  try {
    const globals = new Map<ByteString, Uint8Array>();
    for (;;) {
      const entry = await readEntry(reader, globals);
      if (entry === undefined) break;
      yield entry;
      await entry.finish();
    }
    await drain(reader);
  } finally {
    await reader.close();
  }
}

class StoredEntry {
  readonly #reader: ByteReader;
  readonly #pieces: readonly { offset: number; length: number }[];
  #left: number;
  readonly #padding: number;
  readonly name: ByteString;

  constructor(reader: ByteReader, name: ByteString, sparse: Sparse | undefined, stored: number) {
    this.#reader = reader;
    this.name = name;
    this.#pieces = sparse?.extents ?? [{ offset: 0, length: stored }];
    this.#left = stored - (sparse?.mapBytes ?? 0);
    this.#padding = paddingOf(stored);
  }

  async *data(): AsyncGenerator<{ offset: number; bytes: Uint8Array }> {
    for (const piece of this.#pieces) {
      for (let done = 0; done < piece.length;) {
        const bytes = await this.#reader.some(piece.length - done);
        if (bytes === undefined) throw truncated(this.name, this.#left);
        this.#left -= bytes.length;
        yield { offset: piece.offset + done, bytes };
        done += bytes.length;
      }
    }
  }

  async finish(): Promise<void> {
    if (!(await this.#reader.skip(this.#left + this.#padding))) throw truncated(this.name, this.#left);
  }
}

type Overrides = { longName?: ByteString; longLink?: ByteString; pax: PaxRecords };

/** The next file of the archive, with the extended headers before it applied; undefined behind the last one. */
async function readEntry(
  reader: ByteReader,
  globals: Map<ByteString, Uint8Array>,
): Promise<(TarEntry & { finish(): Promise<void> }) | undefined> {
  const overrides: Overrides = { pax: [] };
  for (;;) {
    const block = await readHeaderBlock(reader);
    if (block === undefined) return undefined;
    const type = String.fromCharCode(block[FIELD.type[0]] ?? 0);
    if (type === "x" || type === "X") overrides.pax = parsePax(await readExtended(reader, block));
    else if (type === "g") mergeGlobals(globals, parsePax(await readExtended(reader, block)));
    else if (type === "L") overrides.longName = untilNul(await readExtended(reader, block));
    else if (type === "K") overrides.longLink = untilNul(await readExtended(reader, block));
    else if (type === "V") await reader.skip(paddedSize(block));
    else return await makeEntry(reader, block, type, { ...overrides, pax: [...globals, ...overrides.pax] });
  }
}

async function makeEntry(
  reader: ByteReader,
  block: Uint8Array,
  flag: string,
  overrides: Overrides,
): Promise<TarEntry & { finish(): Promise<void> }> {
  const records = new Map(overrides.pax.map(([key, value]) => [key, toByteString(value)]));
  const { header, stored } = toHeader(block, flag, overrides, records);
  const sparse =
    flag === "S"
      ? await readGnuSparse(block.slice(), reader)
      : records.has("GNU.sparse.size") || records.has("GNU.sparse.major")
        ? await readPaxSparse(overrides.pax, reader, stored)
        : undefined;
  if (sparse !== undefined) checkSparse(sparse, stored);
  const body = new StoredEntry(reader, header.name, sparse, stored);
  return {
    ...header,
    ...(sparse === undefined ? {} : { size: sparse.realSize, extents: sparse.extents }),
    data: () => body.data(),
    finish: () => body.finish(),
  };
}

function toHeader(
  block: Uint8Array,
  flag: string,
  overrides: Overrides,
  records: ReadonlyMap<ByteString, ByteString>,
): { header: TarHeader; stored: number } {
  const number = (key: string, fallback: number): number => {
    const text = records.get(key);
    return text === undefined || text === "" ? fallback : parsePaxNumber(text, key);
  };
  const name = noNul(
    records.get("GNU.sparse.name") || records.get("path") || overrides.longName || fullName(block),
  );
  const type = typeOf(flag, name);
  const declared = number("size", readNumber(block, FIELD.size, "size"));
  const stored = storedSize(type, flag, declared, name);
  const mtime = records.get("mtime");
  const header: TarHeader = {
    type,
    name,
    linkName: noNul(records.get("linkpath") || overrides.longLink || readText(block, FIELD.linkName)),
    size: stored,
    mode: readNumber(block, FIELD.mode, "mode") & 0o7777,
    uid: number("uid", readNumber(block, FIELD.uid, "uid")),
    gid: number("gid", readNumber(block, FIELD.gid, "gid")),
    userName: records.get("uname") ?? readText(block, FIELD.userName),
    groupName: records.get("gname") ?? readText(block, FIELD.groupName),
    mtime: mtime ? parsePaxTime(mtime) : { seconds: readNumber(block, FIELD.mtime, "mtime"), nanoseconds: 0 },
    major:
      type === "char" || type === "block"
        ? number("SCHILY.devmajor", readNumber(block, FIELD.major, "device number"))
        : 0,
    minor:
      type === "char" || type === "block"
        ? number("SCHILY.devminor", readNumber(block, FIELD.minor, "device number"))
        : 0,
    xattrs: new Map(
      overrides.pax
        .filter(([key]) => key.startsWith(XATTR))
        .map(([key, value]) => [key.slice(XATTR.length), value]),
    ),
  };
  return { header, stored };
}

function typeOf(flag: string, name: ByteString): TarType {
  const type = TYPES[flag];
  if (type === undefined)
    throw tarError(`tar entry "${displayName(name)}" is of the unknown type ${JSON.stringify(flag)}`);
  return type === "file" && flag !== "S" && name.endsWith("/") ? "directory" : type;
}

/** Only files have content. A link's size is that of its target in some old archives; elsewhere a size is a lie that hides data. */
function storedSize(type: TarType, flag: string, declared: number, name: ByteString): number {
  if (declared < 0) throw tarError(`tar entry "${displayName(name)}" says that its size is ${declared}`);
  if (type === "file" || flag === "D") return declared;
  if (declared === 0 || type === "link" || type === "directory") return 0;
  throw tarError(`tar entry "${displayName(name)}" says that it has ${declared} bytes, but is a ${type}`);
}

function fullName(block: Uint8Array): ByteString {
  const name = readText(block, FIELD.name);
  const isPosix = toByteString(block.subarray(257, 263)) === "ustar\0";
  const prefix = isPosix ? readText(block, FIELD.prefix) : "";
  return prefix === "" ? name : `${prefix}/${name}`;
}

/** The next header; undefined at the end of the archive (a block of zeroes, or nothing more). */
async function readHeaderBlock(reader: ByteReader): Promise<Uint8Array | undefined> {
  const start = reader.position;
  const block = await reader.read(BLOCK);
  if (block.length === 0) return undefined;
  if (block.length < BLOCK) throw tarError(start === 0 ? "not a tar archive" : "tar archive is truncated");
  if (isZeroBlock(block)) return undefined;
  if (!checksumMatches(block))
    throw tarError(start === 0 ? "not a tar archive" : `tar archive is damaged: no header at byte ${start}`);
  return block.slice();
}

async function readExtended(reader: ByteReader, block: Uint8Array): Promise<Uint8Array> {
  const size = readNumber(block, FIELD.size, "size");
  if (size < 0 || size > MAX_EXTENDED_BYTES)
    throw tarError(`tar archive has an extended header of ${size} bytes; the limit is ${MAX_EXTENDED_BYTES}`);
  const bytes = (await reader.read(size)).slice();
  if (bytes.length < size || !(await reader.skip(paddingOf(size))))
    throw tarError("tar archive is truncated");
  return bytes;
}

function mergeGlobals(globals: Map<ByteString, Uint8Array>, records: PaxRecords): void {
  for (const [key, value] of records) {
    if (value.length === 0) globals.delete(key);
    else globals.set(key, value);
  }
  if (globals.size > 1000) throw tarError("tar archive has more than 1000 global headers");
}

function paddedSize(block: Uint8Array): number {
  const size = Math.max(0, readNumber(block, FIELD.size, "size"));
  return size + paddingOf(size);
}

function untilNul(bytes: Uint8Array): ByteString {
  const end = bytes.indexOf(0);
  return toByteString(end < 0 ? bytes : bytes.subarray(0, end));
}

function noNul(name: ByteString): ByteString {
  if (name.includes("\0")) throw tarError(`tar entry with a NUL in its name "${displayName(name)}"`);
  return name;
}

function truncated(name: ByteString, missing: number): Error {
  return tarError(`tar archive is truncated: ${missing} bytes of "${displayName(name)}" are missing`);
}

async function drain(reader: ByteReader): Promise<void> {
  while ((await reader.some(1 << 20)) !== undefined);
}
