/**
 * Takes in an image archive as it streams by: every file of some size becomes a blob, and what looks like a layer is unpacked by workers
 * while the rest still comes. What the files mean is known only at the end (manifest.json and index.json may come last).
 */
import { posix } from "node:path";
import { type Digest, parseDigest } from "../lib/digest.ts";
import { BerthError } from "../lib/error.ts";
import { readTar, type TarEntry } from "../lib/tar-reader.ts";
import { displayName } from "../lib/tar.ts";
import { type StoredBlob } from "./blobs.ts";
import { decompress, detectCompression, MAGIC_BYTES } from "./decompress.ts";
import { Handover } from "./handover.ts";
import { layerMediaType } from "./import.ts";
import { prepareLayer, type PreparedLayer, prepareStream } from "./layers.ts";
import type { Library } from "./library.ts";

/** Files up to this size are kept in memory: manifests, configs, and whatever else tools put beside them. */
const SMALL = 64 << 10;
const MAX_SMALL_TOTAL = 64 << 20;
const MAX_ENTRIES = 100_000;
/** Workers that unpack while we read on. */
const MAX_UNPACKING = 2;

type Content = { readonly bytes: Uint8Array } | StoredBlob;

export class Archive implements AsyncDisposable {
  readonly #library: Library;
  readonly #pin: ReturnType<Library["pin"]>;
  readonly #files = new Map<string, Content>();
  readonly #links = new Map<string, string>();
  readonly #prepared = new Map<Digest, Promise<PreparedLayer>>();
  readonly #taken: PreparedLayer[] = [];
  readonly #slots = new Slots(MAX_UNPACKING);
  #smallTotal = 0;

  constructor(library: Library) {
    this.#library = library;
    this.#pin = library.pin();
  }

  /** Reads it to its end. `received` is told how far it is. */
  async read(stream: AsyncIterable<Uint8Array>, received: (bytes: number) => void = () => {}): Promise<void> {
    let entries = 0;
    for await (const entry of readTar(decompress(counting(stream, received), this.#library.limits))) {
      if (++entries > MAX_ENTRIES)
        throw new BerthError("invalid", `image archive has more than ${MAX_ENTRIES} entries`);
      await this.#take(entry);
    }
    if (entries === 0) throw new BerthError("corrupt", "not an image archive: it is empty");
  }

  has(name: string): boolean {
    return this.#find(name) !== undefined;
  }

  /** `corrupt` when it is not there. */
  bytes(name: string): Uint8Array {
    const content = this.#get(name);
    if ("bytes" in content) return content.bytes;
    return Buffer.from(JSON.stringify(this.#library.blobs.readJson(content.digest)));
  }

  /** The file as a blob of the store; a layer's media type is read from its first bytes. */
  blob(name: string): StoredBlob {
    const content = this.#get(name);
    if (!("bytes" in content)) return content;
    const { digest, size } = this.#library.blobs.put(content.bytes, "");
    this.#pin.add(digest);
    return { digest, size };
  }

  layerMediaType({ digest }: StoredBlob): string {
    return layerMediaType(this.#library.blobs.path(digest));
  }

  /** The unpacked layer of a blob; each call gives a directory of its own. */
  async takeLayer(digest: Digest): Promise<PreparedLayer> {
    const waiting = this.#prepared.get(digest) ?? this.#prepare(digest);
    this.#prepared.delete(digest);
    const layer = await waiting;
    this.#taken.push(layer);
    return layer;
  }

  /** Keeps a layer that is there already from being deleted before the image has it. */
  keepLayer(chainId: Digest): void {
    this.#pin.add(chainId);
  }

  /** Waits for workers, then deletes what no image came to need. */
  async [Symbol.asyncDispose](): Promise<void> {
    const left = await Promise.allSettled(this.#prepared.values());
    const unpacked = left.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
    for (const { directory } of [...unpacked, ...this.#taken]) this.#library.discard(directory);
    this.#pin[Symbol.dispose]();
  }

  async #take(entry: TarEntry): Promise<void> {
    const name = normalize(displayName(entry.name));
    if (entry.type === "symlink")
      this.#links.set(name, normalize(posix.join(posix.dirname(name), displayName(entry.linkName))));
    else if (entry.type === "link") this.#links.set(name, normalize(displayName(entry.linkName)));
    else if (entry.type === "file")
      this.#files.set(name, entry.size <= SMALL ? await this.#keep(entry) : await this.#store(name, entry));
  }

  async #keep(entry: TarEntry): Promise<Content> {
    this.#smallTotal += entry.size;
    if (this.#smallTotal > MAX_SMALL_TOTAL)
      throw new BerthError("invalid", "image archive has too many small files");
    const bytes = new Uint8Array(entry.size);
    for await (const piece of entry.data()) bytes.set(piece.bytes, piece.offset);
    return { bytes };
  }

  async #store(name: string, entry: TarEntry): Promise<Content> {
    if (entry.extents !== undefined)
      throw new BerthError("corrupt", `image archive with the sparse file "${name}"`);
    const announced = /^blobs\/sha256\/([0-9a-f]{64})$/.exec(name)?.[1];
    const expected = announced === undefined ? {} : { digest: parseDigest(`sha256:${announced}`) };
    const isLayer =
      !name.endsWith(".json") && !(expected.digest !== undefined && this.#isKnown(expected.digest));
    return isLayer
      ? await this.#storeLayer(entry, expected)
      : await this.#library.blobs.ingest(contentOf(entry), this.#pin, expected);
  }

  /** What comes uncompressed is unpacked as it comes; what is compressed is unpacked from its blob, several at a time. */
  async #storeLayer(entry: TarEntry, expected: Partial<StoredBlob>): Promise<StoredBlob> {
    const { start, whole } = await peek(contentOf(entry));
    const stored =
      detectCompression(start) === "none"
        ? await this.#storeUnpacking(whole, expected)
        : await this.#library.blobs.ingest(whole, this.#pin, expected);
    if (!this.#isKnown(stored.digest)) this.#prepared.set(stored.digest, this.#prepare(stored.digest));
    return stored;
  }

  async #storeUnpacking(
    content: AsyncIterable<Uint8Array>,
    expected: Partial<StoredBlob>,
  ): Promise<StoredBlob> {
    const { places, blobs, limits } = this.#library;
    const handover = new Handover();
    const digest = Promise.withResolvers<Digest>();
    digest.promise.catch(() => {}); // ingest throws the same below
    const preparing = this.#slots.run(() => prepareStream(places, handover, digest.promise, limits));
    preparing.catch(() => {}); // told to whoever takes the layer; a file that is no layer is nobody's failure
    try {
      const stored = await blobs.ingest(content, this.#pin, expected, (chunk) => handover.push(chunk));
      digest.resolve(stored.digest);
      handover.end();
      this.#unpacked(stored.digest, preparing);
      return stored;
    } catch (error) {
      digest.reject(error);
      handover.fail(error);
      await preparing.catch(() => {});
      throw error;
    }
  }

  /** A second copy of a layer that is known is not needed. */
  #unpacked(digest: Digest, preparing: Promise<PreparedLayer>): void {
    if (this.#isKnown(digest))
      preparing.then(({ directory }) => this.#library.discard(directory)).catch(() => {});
    else this.#prepared.set(digest, preparing);
  }

  /** A layer that an image has already: unpacked long ago. */
  #isKnown(digest: Digest): boolean {
    return this.#prepared.has(digest) || this.#library.referencedBlobs().has(digest);
  }

  #prepare(digest: Digest): Promise<PreparedLayer> {
    const { places, blobs, limits } = this.#library;
    const preparing = this.#slots.run(() => prepareLayer(places, blobs.path(digest), limits));
    preparing.catch(() => {}); // told to whoever takes the layer; a file that is no layer is nobody's failure
    return preparing;
  }

  #get(name: string): Content {
    const content = this.#find(name);
    if (content === undefined)
      throw new BerthError("corrupt", `image archive is incomplete: "${name}" is not in it`);
    return content;
  }

  #find(name: string): Content | undefined {
    let path = normalize(name);
    for (let hops = 0; hops < 10; hops++) {
      const target = this.#links.get(path);
      if (target === undefined) return this.#files.get(path);
      path = target;
    }
    return undefined;
  }
}

/** At most so many at a time, the rest in the order in which they came. */
class Slots {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(count: number) {
    this.#free = count;
  }

  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#free === 0) await new Promise<void>((resolve) => void this.#waiting.push(resolve));
    else this.#free--;
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free++;
      else next();
    }
  }
}

function normalize(name: string): string {
  return posix.normalize(name).replace(/^(\.\/|\/)+/, "");
}

/** Enough of a stream to tell what it is, and all of it again. */
async function peek(
  stream: AsyncIterable<Uint8Array>,
): Promise<{ start: Uint8Array; whole: AsyncGenerator<Uint8Array> }> {
  const iterator = stream[Symbol.asyncIterator]();
  let start: Uint8Array = new Uint8Array(0);
  while (start.length < MAGIC_BYTES) {
    const next = await iterator.next();
    if (next.done === true) break;
    start = Buffer.concat([start, next.value]);
  }
  async function* whole(): AsyncGenerator<Uint8Array> {
    yield start;
    for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) yield next.value;
  }
  return { start, whole: whole() };
}

async function* contentOf(entry: TarEntry): AsyncGenerator<Uint8Array> {
  for await (const { bytes } of entry.data()) yield bytes;
}

async function* counting(
  stream: AsyncIterable<Uint8Array>,
  received: (bytes: number) => void,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of stream) {
    received(chunk.length);
    yield chunk;
  }
}
