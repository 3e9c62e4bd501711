/** Waiting for a stream that is full, so that no slow client makes us hold what it does not read. */
import type { Writable } from "node:stream";

/** Writes `chunk`; resolves when there is room for the next one, or when nobody reads any more. */
export function writeTo(stream: Writable, chunk: Uint8Array | string): Promise<void> | undefined {
  if (stream.destroyed || stream.write(chunk)) return undefined;
  return drained(stream);
}

function drained(stream: Writable): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  stream.once("drain", resolve).once("close", resolve).once("error", resolve);
  return promise.finally(() => {
    stream.off("drain", resolve).off("close", resolve).off("error", resolve);
  });
}

/** Copies until the source ends or the reader is gone; then the source's own cleanup runs. */
export async function copy(source: AsyncIterable<Uint8Array | string>, target: Writable): Promise<void> {
  for await (const chunk of source) {
    await writeTo(target, chunk);
    if (target.destroyed) return;
  }
}
