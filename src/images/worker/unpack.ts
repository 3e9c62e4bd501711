/** Unpacks a tar archive into a worker's place: reads, counts, hashes, and hands each entry to an Unpacker. */
import { BerthError } from "../../lib/error.ts";
import { Digester } from "../../lib/digest.ts";
import { readTar } from "../../lib/tar-reader.ts";
import { byteStringOf } from "../../lib/tar.ts";
import { decompress, DEFAULT_LIMITS } from "../decompress.ts";
import { joinPath, lookAt } from "./paths.ts";
import type { UnpackOptions, UnpackResult } from "./protocol.ts";
import { Unpacker } from "./unpacker.ts";

/** Entries of the largest images are some hundred thousand; beyond this somebody is after our inodes. */
const MAX_ENTRIES = 5_000_000;

/** `path` must be a directory (or a link to one). Plain, gzip or zstd. */
export async function unpackArchive(
  source: AsyncIterable<Uint8Array>,
  path: string,
  options: UnpackOptions,
): Promise<UnpackResult> {
  const base = joinPath(byteStringOf(path), ".");
  if (lookAt(base)?.isDirectory() !== true) throw notADirectory(path);
  const digester = new Digester();
  const limits = options.limits ?? DEFAULT_LIMITS;
  const unpacker = new Unpacker(base, options);
  let entries = 0;
  const tar = decompress(source, limits);
  for await (const entry of readTar(options.withoutDigest === true ? tar : hashing(tar, digester))) {
    if (++entries > MAX_ENTRIES)
      throw new BerthError("invalid", `archive has more than ${MAX_ENTRIES} entries`);
    await unpacker.add(entry);
  }
  unpacker.finish();
  return { diffId: options.withoutDigest === true ? "" : digester.finish(), size: unpacker.size, entries };
}

async function* hashing(source: AsyncIterable<Uint8Array>, digester: Digester): AsyncGenerator<Uint8Array> {
  for await (const chunk of source) {
    digester.update(chunk);
    yield chunk;
  }
}

function notADirectory(path: string): BerthError {
  const stats = lookAt(byteStringOf(path));
  return stats === undefined
    ? new BerthError("not_found", `${path}: no such file or directory`)
    : new BerthError("invalid", "extraction point is not a directory");
}
