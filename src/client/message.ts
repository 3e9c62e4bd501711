/** The parts of an HTTP/1.1 answer: head, and a body in one of its three forms. */
import { BerthError } from "../lib/error.ts";
import type { ByteQueue } from "./bytes.ts";

const MAX_HEAD_BYTES = 256 << 10;

export interface Head {
  readonly status: number;
  /** By lower-case name. */
  readonly headers: ReadonlyMap<string, string>;
}

/** The head of the final answer: `100 Continue` is passed over. Undefined when the connection ends before it. */
export async function readHead(source: ByteQueue): Promise<Head | undefined> {
  const text = await takeHead(source);
  if (text === undefined) return undefined;
  const [first = "", ...lines] = text.trimEnd().split("\r\n");
  const status = Number(/^HTTP\/1\.[01] (\d{3})/.exec(first)?.[1]);
  if (Number.isNaN(status)) throw notHttp(first);
  if (status === 100) return await readHead(source);
  return { status, headers: new Map(lines.map(splitHeader)) };
}

/** The body of the answer to `method`. */
export async function* bodyOf(
  method: string,
  head: Head,
  source: ByteQueue,
): AsyncGenerator<Uint8Array, void> {
  const { status, headers } = head;
  if (method === "HEAD" || status < 200 || status === 204 || status === 304) return;
  if (headers.get("transfer-encoding")?.toLowerCase() === "chunked") return yield* chunked(source);
  const length = headers.get("content-length");
  yield* counted(source, length === undefined ? Number.POSITIVE_INFINITY : Number(length));
}

async function takeHead(source: ByteQueue): Promise<string | undefined> {
  try {
    return await source.takeThrough("\r\n\r\n", MAX_HEAD_BYTES);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ECONNRESET") return undefined;
    throw notHttp(String(error));
  }
}

/** `length` infinite: until the connection ends. */
async function* counted(source: ByteQueue, length: number): AsyncGenerator<Uint8Array, void> {
  let left = length;
  while (left > 0) {
    const chunk = await source.take();
    if (chunk === undefined && left === Number.POSITIVE_INFINITY) return;
    if (chunk === undefined) throw cut();
    const mine = chunk.subarray(0, left);
    source.unshift(chunk.subarray(mine.length));
    left -= mine.length;
    yield mine;
  }
}

async function* chunked(source: ByteQueue): AsyncGenerator<Uint8Array, void> {
  for (;;) {
    const line = await source.takeThrough("\r\n", 1024);
    if (line === undefined) throw cut();
    const size = Number.parseInt(line, 16);
    if (Number.isNaN(size)) throw notHttp(line);
    if (size > 0) yield* counted(source, size);
    await source.takeThrough("\r\n", 1024);
    if (size === 0) return;
  }
}

function splitHeader(line: string): [string, string] {
  const colon = line.indexOf(":");
  return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
}

function cut(): BerthError {
  return new BerthError("unavailable", "the engine ended the connection in mid-answer");
}

function notHttp(text: string): BerthError {
  return new BerthError(
    "unavailable",
    `what listens on the socket does not speak HTTP: ${text.slice(0, 80)}`,
  );
}
