/** Blobs by their digest. A blob under its name is whole: it is written elsewhere, synced, and renamed. */
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { type FileHandle, open, rename, unlink } from "node:fs/promises";
import { type Digest, Digester, digestOf } from "../lib/digest.ts";
import { BerthError } from "../lib/error.ts";
import { dropCache, startWriteback } from "../kernel/libc.ts";
import { step } from "../lib/failpoint.ts";
import { inLargePieces } from "../lib/large-pieces.ts";
import type { Descriptor } from "./image.ts";
import type { Places } from "./places.ts";

export interface StoredBlob {
  readonly digest: Digest;
  readonly size: number;
}

/** JSON of an image: manifests and configs of real images have some kilobytes. */
export const MAX_JSON_BYTES = 8 << 20;

/** Keeps blobs from being deleted. */
export interface Pin {
  add(digest: Digest): void;
}

export class Blobs {
  readonly #places: Places;

  constructor(places: Places) {
    this.#places = places;
  }

  path(digest: Digest): string {
    return this.#places.blob(digest);
  }

  has({ digest, size }: StoredBlob): boolean {
    return statSync(this.path(digest), { throwIfNoEntry: false })?.size === size;
  }

  /**
   * Stores a stream without ever holding it; `corrupt` when it is not what `expected` says. Never blocks on the disk. It is pinned before
   * it is looked for: it may be there, and about to go with its last image. `also` sees each chunk at the same time, and may slow the stream down.
   */
  async ingest(
    stream: AsyncIterable<Uint8Array>,
    pin: Pin,
    expected?: Partial<StoredBlob>,
    also?: (chunk: Uint8Array) => Promise<void>,
  ): Promise<StoredBlob> {
    const temporary = this.#places.newTemporary();
    const handle = await open(temporary, "wx", 0o600);
    try {
      const stored = await copy(stream, handle, also);
      check(stored, expected);
      pin.add(stored.digest);
      if (this.has(stored)) await unlink(temporary);
      else await this.#publish(handle, temporary, stored.digest);
      return stored;
    } catch (error) {
      await unlink(temporary).catch(() => {}); // already renamed or removed; the sweep would find it anyway
      throw diskError(error, "store blob");
    } finally {
      await handle.close();
    }
  }

  /** For small blobs: done when it returns. */
  put(bytes: Uint8Array | string, mediaType: string): Descriptor {
    const content = typeof bytes === "string" ? Buffer.from(bytes) : bytes;
    const descriptor = { mediaType, digest: digestOf(content), size: content.length };
    if (!this.has(descriptor)) writeWhole(this.path(descriptor.digest), content, this.#places.newTemporary());
    step();
    return descriptor;
  }

  /** A JSON blob; `corrupt` when it is too long, or not JSON, or no longer has its digest. */
  readJson(digest: Digest): unknown {
    const path = this.path(digest);
    const size = statSync(path, { throwIfNoEntry: false })?.size;
    if (size === undefined) throw new BerthError("corrupt", `blob ${digest} is missing`);
    if (size > MAX_JSON_BYTES)
      throw new BerthError("corrupt", `blob ${digest} is too long to be an image's JSON: ${size} bytes`);
    const bytes = readFileSync(path);
    if (digestOf(bytes) !== digest)
      throw new BerthError(
        "corrupt",
        `blob ${digest} is damaged on disk: remove its image and load it again`,
      );
    return parseJson(bytes, `blob ${digest}`);
  }

  async #publish(handle: FileHandle, temporary: string, digest: Digest): Promise<void> {
    await handle.datasync();
    step();
    await rename(temporary, this.path(digest));
    step();
  }
}

export function parseJson(bytes: Uint8Array, what: string): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (error) {
    throw new BerthError("corrupt", `${what} is no JSON`, { cause: error });
  }
}

/** Writes a file so that it is there whole or not at all, also after a power cut. */
export function writeWhole(path: string, content: Uint8Array | string, temporary: string): void {
  const descriptor = openSync(temporary, "wx", 0o600);
  try {
    writeFileSync(descriptor, content);
    fsyncSync(descriptor);
  } catch (error) {
    throw diskError(error, `write ${path}`);
  } finally {
    closeSync(descriptor);
  }
  renameSync(temporary, path);
}

/** A full disk in words; everything else stays what it is. */
export function diskError(error: unknown, what: string): unknown {
  if (!(error instanceof Error) || !("code" in error)) return error;
  if (error.code !== "ENOSPC" && error.code !== "EDQUOT") return error;
  return new BerthError("no_space", `${what}: no space left on device`, { cause: error });
}

/** What is written, hashed and handed on at a time. */
const PIECE = 1 << 20;

/** Hashes while the disk writes. */
async function copy(
  stream: AsyncIterable<Uint8Array>,
  handle: FileHandle,
  also: (chunk: Uint8Array) => Promise<void> = async () => {},
): Promise<StoredBlob> {
  const digester = new Digester();
  const writeback = new Writeback(handle);
  let size = 0;
  for await (const chunk of inLargePieces(stream, PIECE)) {
    const working = Promise.all([writeAll(handle, chunk), also(chunk)]);
    digester.update(chunk);
    size += chunk.length;
    await working;
    await writeback.wrote(size);
  }
  await writeback.finish();
  return { digest: digester.finish(), size };
}

/** A window of a blob that is synced while the next one is written. */
const WINDOW = 32 << 20;

/**
 * Syncs a large blob piece by piece and gives its page cache back, so that storing gigabytes neither ends in one long fsync nor pushes
 * everything else out of memory. A blob is read again seldom; its files are what is used.
 */
class Writeback {
  readonly #handle: FileHandle;
  #from = 0;
  #syncing: Promise<void> | undefined;

  constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  async wrote(size: number): Promise<void> {
    if (size - this.#from < WINDOW) return;
    await this.#settle();
    startWriteback(this.#handle.fd, this.#from, size - this.#from);
    this.#syncing = this.#handle.datasync();
    this.#syncing.catch(() => {}); // thrown by the next #settle()
    this.#from = size;
  }

  async finish(): Promise<void> {
    await this.#settle();
  }

  async #settle(): Promise<void> {
    await this.#syncing;
    if (this.#syncing !== undefined) dropCache(this.#handle.fd, 0, this.#from);
  }
}

async function writeAll(handle: FileHandle, chunk: Uint8Array): Promise<void> {
  for (let at = 0; at < chunk.length;) at += (await handle.write(chunk, at, chunk.length - at)).bytesWritten;
}

function check(stored: StoredBlob, expected: Partial<StoredBlob> | undefined): void {
  if (expected?.size !== undefined && expected.size !== stored.size)
    throw new BerthError(
      "corrupt",
      `blob ${expected.digest ?? stored.digest} has ${stored.size} bytes instead of ${expected.size}`,
    );
  if (expected?.digest !== undefined && expected.digest !== stored.digest)
    throw new BerthError(
      "corrupt",
      `digest mismatch: ${expected.digest} was announced, ${stored.digest} came`,
    );
}
