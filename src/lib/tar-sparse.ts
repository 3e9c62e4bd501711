/** Sparse files, as GNU tar stores them: old GNU `S` headers and the pax formats 0.0, 0.1 and 1.0. */
import type { ByteReader } from "./byte-reader.ts";
import type { PaxRecords } from "./tar-pax.ts";
import { parsePaxNumber } from "./tar-pax.ts";
import { BLOCK, type Extent, paddingOf, tarError, toByteString } from "./tar.ts";
import { readNumber } from "./tar-fields.ts";

/** More pieces than any real file has; a header may not make us keep more. */
const MAX_EXTENTS = 1_000_000;

export interface Sparse {
  readonly extents: readonly Extent[];
  /** Size of the file with its holes. */
  readonly realSize: number;
  /** Bytes of the entry that were the map itself. */
  readonly mapBytes: number;
}

/** Old GNU: four pieces in the header, 21 in each block that follows while its last flag says so. */
export async function readGnuSparse(header: Uint8Array, reader: ByteReader): Promise<Sparse> {
  const extents = gnuExtents(header, 386, 4);
  let more = header[482] !== 0;
  const realSize = readNumber(header, [483, 12], "size");
  while (more) {
    const block = await reader.read(BLOCK);
    if (block.length < BLOCK) throw tarError("tar archive is truncated in a sparse map");
    extents.push(...gnuExtents(block, 0, 21));
    more = block[504] !== 0;
    checkCount(extents.length);
  }
  return { extents, realSize, mapBytes: 0 };
}

/** The pax formats; undefined when the records speak of no sparse file. `size` is what the entry stores. */
export async function readPaxSparse(
  records: PaxRecords,
  reader: ByteReader,
  size: number,
): Promise<Sparse | undefined> {
  const last = new Map(records.map(([key, value]) => [key, toByteString(value)]));
  const number = (key: string): number => parsePaxNumber(last.get(key) ?? "", key);
  if (last.get("GNU.sparse.major") === "1" && last.get("GNU.sparse.minor") === "0")
    return { ...(await readMap(reader, size)), realSize: number("GNU.sparse.realsize") };
  const map = last.get("GNU.sparse.map");
  if (map !== undefined)
    return { extents: pairs(map.split(",")), realSize: number("GNU.sparse.size"), mapBytes: 0 };
  if (!last.has("GNU.sparse.size")) return undefined;
  const numbers = records
    .filter(([key]) => key === "GNU.sparse.offset" || key === "GNU.sparse.numbytes")
    .map(([, value]) => toByteString(value));
  return { extents: pairs(numbers), realSize: number("GNU.sparse.size"), mapBytes: 0 };
}

/** Pieces in order, inside the file, and together exactly what is stored. */
export function checkSparse({ extents, realSize, mapBytes }: Sparse, size: number): void {
  let end = 0;
  let stored = mapBytes;
  for (const { offset, length } of extents) {
    if (offset < end || length < 0 || offset + length > realSize)
      throw tarError("sparse map that is out of order or out of bounds");
    end = offset + length;
    stored += length;
  }
  if (stored !== size) throw tarError(`sparse map of ${stored} bytes for an entry of ${size}`);
}

function gnuExtents(block: Uint8Array, at: number, count: number): Extent[] {
  const extents: Extent[] = [];
  for (let index = 0; index < count; index++) {
    const start = at + index * 24;
    if (block[start] === 0) break;
    const offset = readNumber(block, [start, 12], "sparse offset");
    extents.push({ offset, length: readNumber(block, [start + 12, 12], "sparse length") });
  }
  return extents;
}

/** Format 1.0: decimal numbers, each on its line, before the data and padded to a block. */
async function readMap(reader: ByteReader, size: number): Promise<{ extents: Extent[]; mapBytes: number }> {
  let text = "";
  let mapBytes = 0;
  const lines: string[] = [];
  for (
    let wanted = 1;
    lines.length < wanted;
    wanted = 1 + 2 * parsePaxNumber(lines[0] ?? "0", "sparse map")
  ) {
    if (mapBytes + BLOCK > size + paddingOf(size)) throw tarError("sparse map that is longer than its entry");
    const block = await reader.read(BLOCK);
    if (block.length < BLOCK) throw tarError("tar archive is truncated in a sparse map");
    mapBytes += BLOCK;
    const parts = (text + toByteString(block)).split("\n");
    text = parts.pop() ?? "";
    lines.push(...parts);
    checkCount(parsePaxNumber(lines[0] ?? "0", "sparse map"));
  }
  const count = Number(lines[0]);
  return { extents: pairs(lines.slice(1, 1 + 2 * count)), mapBytes };
}

function pairs(numbers: readonly string[]): Extent[] {
  checkCount(numbers.length / 2);
  const extents: Extent[] = [];
  for (let index = 0; index + 1 < numbers.length; index += 2) {
    const offset = parsePaxNumber(numbers[index] ?? "", "sparse offset");
    extents.push({ offset, length: parsePaxNumber(numbers[index + 1] ?? "", "sparse length") });
  }
  return extents;
}

function checkCount(count: number): void {
  if (count > MAX_EXTENTS) throw tarError(`sparse map with more than ${MAX_EXTENTS} pieces`);
}
