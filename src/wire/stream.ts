/**
 * The frames in which stdout and stderr share one connection (moby pkg/stdcopy):
 * one byte stream number, three zeros, four bytes big-endian length, payload.
 */
import { BerthError } from "../lib/error.ts";

export const STDIN = 0;
export const STDOUT = 1;
export const STDERR = 2;
/** An error of the engine in mid-stream; the payload is its text. */
export const SYSTEM_ERROR = 3;
export type StreamNumber = 0 | 1 | 2 | 3;

export const FRAME_HEADER_BYTES = 8;
const EMPTY = new Uint8Array(0);

/** Payload bytes of one stream; a frame may come as several pieces. */
export interface Piece {
  readonly stream: StreamNumber;
  readonly bytes: Uint8Array;
}

export function frameHeader(stream: StreamNumber, lengthBytes: number): Uint8Array {
  const header = new Uint8Array(FRAME_HEADER_BYTES);
  header[0] = stream;
  new DataView(header.buffer).setUint32(4, lengthBytes);
  return header;
}

/** One frame with a copy of the payload. */
export function encodeFrame(stream: StreamNumber, payload: Uint8Array | string): Uint8Array {
  const bytes = typeof payload === "string" ? new TextEncoder().encode(payload) : payload;
  const frame = new Uint8Array(FRAME_HEADER_BYTES + bytes.length);
  frame.set(frameHeader(stream, bytes.length));
  frame.set(bytes, FRAME_HEADER_BYTES);
  return frame;
}

/** Takes frames apart as they arrive. It keeps at most one header: payload is handed on as views of what was pushed. */
export class Demultiplexer {
  #header: Uint8Array = EMPTY;
  #stream: StreamNumber = STDOUT;
  #leftBytes = 0;

  /** True in mid-frame: a connection that ends now was cut. */
  get incomplete(): boolean {
    return this.#leftBytes > 0 || this.#header.length > 0;
  }

  /** The pieces that `chunk` completes. An unknown stream number throws: the bytes are no frames. */
  push(chunk: Uint8Array): Piece[] {
    const pieces: Piece[] = [];
    let rest = chunk;
    while (rest.length > 0) {
      if (this.#leftBytes === 0) rest = this.#takeHeader(rest);
      const bytes = rest.subarray(0, this.#leftBytes);
      if (bytes.length > 0) pieces.push({ stream: this.#stream, bytes });
      this.#leftBytes -= bytes.length;
      rest = rest.subarray(bytes.length);
    }
    return pieces;
  }

  #takeHeader(chunk: Uint8Array): Uint8Array {
    const missing = FRAME_HEADER_BYTES - this.#header.length;
    this.#header = concat(this.#header, chunk.subarray(0, missing));
    if (this.#header.length === FRAME_HEADER_BYTES) this.#readHeader();
    return chunk.subarray(missing);
  }

  #readHeader(): void {
    const view = new DataView(this.#header.buffer, this.#header.byteOffset);
    this.#stream = streamNumber(view.getUint8(0));
    this.#leftBytes = view.getUint32(4);
    this.#header = EMPTY;
  }
}

/** The pieces of a framed stream; throws when it ends in mid-frame. */
export async function* demultiplex(source: AsyncIterable<Uint8Array>): AsyncGenerator<Piece> {
  const demultiplexer = new Demultiplexer();
  for await (const chunk of source) yield* demultiplexer.push(chunk);
  if (demultiplexer.incomplete) throw new BerthError("corrupt", "the stream ends in the middle of a frame");
}

function streamNumber(byte: number): StreamNumber {
  if (byte === 0 || byte === 1 || byte === 2 || byte === 3) return byte;
  throw new BerthError("corrupt", `unrecognized stream: ${byte}`);
}

function concat(a: Uint8Array, b: Uint8Array): Uint8Array {
  const joined = new Uint8Array(a.length + b.length);
  joined.set(a);
  joined.set(b, a.length);
  return joined;
}
