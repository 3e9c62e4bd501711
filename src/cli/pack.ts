/** A tar of a local file or tree, for `cp` into a container. */
import {
  type BigIntStats,
  closeSync,
  lstatSync,
  openSync,
  readdirSync,
  readlinkSync,
  readSync,
} from "node:fs";
import { encodeHeader, END_OF_TAR, padding } from "../lib/tar-writer.ts";
import {
  byteStringOf,
  fromByteString,
  type ByteString,
  toByteString,
  type TarHeader,
  type TarType,
} from "../lib/tar.ts";

const READ_BYTES = 1 << 20;

/** `path` and what is below it, under `name`; `.` as a name packs the content of a directory. */
export async function* packPath(path: string, name: string): AsyncGenerator<Uint8Array> {
  const inodes = new Map<string, ByteString>();
  yield* packOne(Buffer.from(path), byteStringOf(name), inodes);
  yield END_OF_TAR;
}

async function* packOne(
  path: Buffer,
  name: ByteString,
  inodes: Map<string, ByteString>,
): AsyncGenerator<Uint8Array> {
  const stat = lstatSync(path, { bigint: true });
  const type = typeOf(stat);
  if (type === undefined) return; // a socket is of no use to anybody else
  const first = inodes.get(inodeOf(stat));
  if (first !== undefined)
    return yield encodeHeader({ ...factsOf(stat), type: "link", name, linkName: first });
  if (type === "file" && stat.nlink > 1n) inodes.set(inodeOf(stat), name);
  yield encodeHeader(headerOf(path, name, type, stat));
  if (type === "file") yield* contentOf(path, Number(stat.size));
  if (type !== "directory") return;
  for (const child of readdirSync(path, { encoding: "buffer" }).toSorted(Buffer.compare)) {
    yield* packOne(join(path, child), `${name}/${toByteString(child)}`, inodes);
  }
}

function headerOf(
  path: Buffer,
  name: ByteString,
  type: TarType,
  stat: BigIntStats,
): Parameters<typeof encodeHeader>[0] {
  const device = Number(stat.rdev);
  return {
    ...factsOf(stat),
    type,
    name: type === "directory" ? `${name}/` : name,
    size: type === "file" ? Number(stat.size) : 0,
    linkName: type === "symlink" ? toByteString(readlinkSync(path, { encoding: "buffer" })) : "",
    major: type === "char" || type === "block" ? (device >> 8) & 0xfff : 0,
    minor: type === "char" || type === "block" ? (device & 0xff) | ((device >> 12) & 0xfff00) : 0,
  };
}

function factsOf(stat: BigIntStats): Partial<TarHeader> {
  return {
    mode: Number(stat.mode & 0o7777n),
    uid: Number(stat.uid),
    gid: Number(stat.gid),
    mtime: {
      seconds: Number(stat.mtimeNs / 1_000_000_000n),
      nanoseconds: Number(stat.mtimeNs % 1_000_000_000n),
    },
  };
}

/** Exactly `size` bytes, whatever has become of the file meanwhile: the header has promised them. */
async function* contentOf(path: Buffer, size: number): AsyncGenerator<Uint8Array> {
  const fd = openSync(path, "r");
  try {
    for (let sent = 0; sent < size;) {
      const chunk = new Uint8Array(Math.min(READ_BYTES, size - sent)); // zeroes, where the file has become shorter
      const read = readSync(fd, chunk, 0, chunk.length, sent);
      sent += read || chunk.length;
      yield read > 0 ? chunk.subarray(0, read) : chunk;
    }
  } finally {
    closeSync(fd);
  }
  yield padding(size);
}

function typeOf(stat: BigIntStats): TarType | undefined {
  if (stat.isFile()) return "file";
  if (stat.isDirectory()) return "directory";
  if (stat.isSymbolicLink()) return "symlink";
  if (stat.isFIFO()) return "fifo";
  if (stat.isCharacterDevice()) return "char";
  return stat.isBlockDevice() ? "block" : undefined;
}

function inodeOf(stat: BigIntStats): string {
  return `${stat.dev}:${stat.ino}`;
}

function join(path: Buffer, child: Buffer): Buffer {
  return Buffer.concat([path, fromByteString("/"), child]);
}
