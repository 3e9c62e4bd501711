/** Plain, gzip or zstd, told apart by their first bytes; with a limit on what may come out of how little. */
import { createGunzip, createZstdDecompress } from "node:zlib";
import { BerthError } from "../lib/error.ts";
import { ZstdFrames } from "../lib/zstd-frames.ts";

export type Compression = "none" | "gzip" | "zstd";

/** What an archive may become. Beyond `freeBytes`, each byte that went in may become `maxRatio` bytes; never more than `maxBytes`. */
export interface ExpansionLimits {
  readonly maxBytes: number;
  readonly maxRatio: number;
  readonly freeBytes: number;
}

export const DEFAULT_LIMITS: ExpansionLimits = {
  maxBytes: 256 * 2 ** 30,
  maxRatio: 200,
  freeBytes: 256 * 2 ** 20,
};

/** Bytes that detectCompression wants to see. */
export const MAGIC_BYTES = 6;

const MAGICS: readonly (readonly [readonly number[], Compression | "bzip2" | "xz"])[] = [
  [[0x1f, 0x8b], "gzip"],
  [[0x28, 0xb5, 0x2f, 0xfd], "zstd"],
  [[0x42, 0x5a, 0x68], "bzip2"],
  [[0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00], "xz"],
];

/** Refuses bzip2 and xz by name. A zstd stream may begin with a skippable frame. */
export function detectCompression(start: Uint8Array): Compression {
  const isSkippable =
    start.length >= 4 &&
    ((start[0] ?? 0) & 0xf0) === 0x50 &&
    start[1] === 0x2a &&
    start[2] === 0x4d &&
    start[3] === 0x18;
  if (isSkippable) return "zstd";
  const found = MAGICS.find(([magic]) => magic.every((byte, index) => start[index] === byte))?.[1] ?? "none";
  if (found === "bzip2" || found === "xz")
    throw new BerthError(
      "unsupported",
      `archive is compressed with ${found}: use plain tar, gzip or zstd (\`${found} -dc FILE | berth …\`)`,
    );
  return found;
}

/** The bytes of `source` as they were before compression. Reads `source` to its end, all members of a gzip file included. */
export async function* decompress(
  source: AsyncIterable<Uint8Array>,
  limits: ExpansionLimits = DEFAULT_LIMITS,
): AsyncGenerator<Uint8Array, void, void> {
  const input = source[Symbol.asyncIterator]();
  try {
    const start = await gatherStart(input);
    const format = detectCompression(start);
    const whole = chain(start, input);
    yield* format === "none" ? bounded(whole, limits) : expand(whole, format, limits);
  } finally {
    await input.return?.();
  }
}

async function* bounded(
  source: AsyncIterable<Uint8Array>,
  limits: ExpansionLimits,
): AsyncGenerator<Uint8Array, void, void> {
  let total = 0;
  for await (const chunk of source) {
    total += chunk.length;
    if (total > limits.maxBytes) throw tooLarge(limits);
    yield chunk;
  }
}

async function* expand(
  source: AsyncIterable<Uint8Array>,
  format: "gzip" | "zstd",
  limits: ExpansionLimits,
): AsyncGenerator<Uint8Array, void, void> {
  const engine =
    format === "gzip" ? createGunzip({ chunkSize: 1 << 17 }) : createZstdDecompress({ chunkSize: 1 << 17 });
  const fed: Fed = { bytes: 0, frames: new ZstdFrames() };
  const feeding = feed(source, engine, format, fed);
  feeding.catch((error: unknown) =>
    engine.destroy(error instanceof Error ? error : new Error(String(error))),
  );
  let total = 0;
  try {
    for await (const chunk of engine) {
      total += (chunk as Uint8Array).length;
      if (total > limits.maxBytes) throw tooLarge(limits);
      if (total > limits.freeBytes && total > fed.bytes * limits.maxRatio) throw bomb(fed.bytes, total);
      yield chunk as Uint8Array;
    }
    if (!fed.frames.isWhole) throw new Error("unexpected end of file");
  } catch (error) {
    throw damaged(error, format);
  } finally {
    engine.destroy();
  }
}

/** What has gone into a decompressor so far. */
interface Fed {
  bytes: number;
  /** Stays at its beginning, which is whole, for gzip: zlib itself tells when that is cut short. */
  readonly frames: ZstdFrames;
}

/** Copies what it hands over: the source may reuse its buffer, zlib keeps a view until a pool thread has read it. */
async function feed(
  source: AsyncIterable<Uint8Array>,
  engine: NodeJS.WritableStream & { readonly destroyed?: boolean },
  format: "gzip" | "zstd",
  fed: Fed,
): Promise<void> {
  for await (const chunk of source) {
    if (engine.destroyed === true) return;
    fed.bytes += chunk.length;
    if (format === "zstd") fed.frames.push(chunk);
    const written = Promise.withResolvers<void>();
    engine.write(chunk.slice(), () => written.resolve());
    await written.promise;
  }
  engine.end();
}

async function gatherStart(input: AsyncIterator<Uint8Array>): Promise<Uint8Array> {
  let start: Uint8Array = new Uint8Array(0);
  while (start.length < MAGIC_BYTES) {
    const next = await input.next();
    if (next.done === true) break;
    start = Buffer.concat([start, next.value]);
  }
  return start;
}

async function* chain(
  start: Uint8Array,
  rest: AsyncIterator<Uint8Array>,
): AsyncGenerator<Uint8Array, void, void> {
  if (start.length > 0) yield start;
  for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield next.value;
}

function damaged(error: unknown, format: string): unknown {
  if (error instanceof BerthError || !(error instanceof Error)) return error;
  return new BerthError("corrupt", `${format} stream is truncated or damaged: ${error.message}`, {
    cause: error,
  });
}

function tooLarge({ maxBytes }: ExpansionLimits): BerthError {
  return new BerthError("invalid", `archive expands to more than the limit of ${maxBytes} bytes`);
}

function bomb(from: number, to: number): BerthError {
  return new BerthError(
    "invalid",
    `archive looks like a decompression bomb: ${from} bytes became more than ${to}; stopped`,
  );
}
