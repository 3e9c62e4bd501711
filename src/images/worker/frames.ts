/** The worker's end of the frames: blocking reads and writes, since a worker does one thing at a time. */
import { readSync, writeSync } from "node:fs";
import { BerthError } from "../../lib/error.ts";
import { type Failure, FRAME, FRAME_HEADER, frameHeader, MAX_FRAME, type Request } from "./protocol.ts";

/** The descriptor on which a worker may get a file to unpack, instead of data frames. */
export const INPUT = 3;

export class FrameReader {
  #inData = false;
  /** Of every frame in turn: a payload is good until the next one is read. */
  readonly #buffer = new Uint8Array(MAX_FRAME);

  /** The next request; undefined when the engine has closed its end. */
  request(): Request | undefined {
    const frame = this.#frame();
    if (frame === undefined) return undefined;
    if (frame.type !== FRAME.request)
      throw new BerthError("internal", `worker: frame ${frame.type} instead of a request`);
    const request = JSON.parse(Buffer.from(frame.payload).toString()) as Request;
    this.#inData = request.do === "unpack" && !request.fromInput;
    return request;
  }

  /** The data frames of the request, up to their end. */
  async *data(): AsyncGenerator<Uint8Array> {
    for (let chunk = this.#chunk(); chunk !== undefined; chunk = this.#chunk()) yield chunk;
  }

  /** Reads past data that the request did not want, so that the next frame is a request. */
  skipData(): void {
    while (this.#chunk() !== undefined);
  }

  #chunk(): Uint8Array | undefined {
    if (!this.#inData) return undefined;
    const frame = this.#frame();
    if (frame?.type === FRAME.data) return frame.payload;
    this.#inData = false;
    if (frame?.type !== FRAME.end) throw new BerthError("corrupt", "the archive's sender went away");
    return undefined;
  }

  #frame(): { type: number; payload: Uint8Array } | undefined {
    const header = new Uint8Array(FRAME_HEADER);
    if (!readFully(0, header)) return undefined;
    const length = new DataView(header.buffer).getUint32(0, true);
    if (length > MAX_FRAME) throw new BerthError("internal", `worker: frame of ${length} bytes`);
    const payload = this.#buffer.subarray(0, length);
    return readFully(0, payload) ? { type: header[4] ?? 0, payload } : undefined;
  }
}

export class FrameWriter {
  data(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; at += MAX_FRAME)
      write(FRAME.data, bytes.subarray(at, at + MAX_FRAME));
  }

  result(value: unknown): void {
    write(FRAME.result, Buffer.from(JSON.stringify(value ?? null)));
  }

  failure(failure: Failure): void {
    write(FRAME.failure, Buffer.from(JSON.stringify(failure)));
  }
}

/** The bytes of an open file from where it stands; each chunk is good until the next. */
export async function* fileChunks(descriptor: number): AsyncGenerator<Uint8Array> {
  const buffer = new Uint8Array(1 << 18);
  for (;;) {
    const length = readSync(descriptor, buffer);
    if (length === 0) return;
    yield buffer.subarray(0, length);
  }
}

function write(type: number, payload: Uint8Array): void {
  writeFully(1, frameHeader(type, payload.length));
  writeFully(1, payload);
}

function writeFully(descriptor: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length;) at += writeSync(descriptor, bytes, at);
}

function readFully(descriptor: number, bytes: Uint8Array): boolean {
  for (let at = 0; at < bytes.length;) {
    const length = readSync(descriptor, bytes, at, bytes.length - at, null);
    if (length === 0) return false;
    at += length;
  }
  return true;
}
