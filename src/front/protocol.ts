/** What a front and the engine say to each other: the numbers of native/front.h, and the frames. A test reads the header and compares. */
import { isUtf8 } from "node:buffer";
import { BerthError } from "../lib/error.ts";
import { splitVariable } from "../lib/variable.ts";

export const FRONT_SOCKET = "front.sock";
export const FRONT_BUILD_SIZE = 16;
export const FRONT_LIMITS = 16;
export const FRONT_NAMESPACES = ["mnt", "pid", "user", "net", "cgroup", "ipc", "uts", "time"] as const;
export const FRONT_FACTS = 16;

export const FRONT_HELLO = 1;
export const FRONT_CALL = 2;
export const FRONT_CONTROL = 3;
export const FRONT_LAUNCHED = 4;
export const FRONT_SIGNAL = 5;
export const FRONT_TROUBLE = 6;
export const FRONT_PRINTED = 7;
export const FRONT_GREETING = 16;
export const FRONT_ALONE = 17;
export const FRONT_PRINT = 18;
export const FRONT_LAUNCH = 19;
export const FRONT_REAP = 20;
export const FRONT_ATTEND = 21;
export const FRONT_END = 22;
export const FRONT_SIGNALS = 23;
export const FRONT_FLUSH = 24;
export const FRONT_KEEP = 25;

const HEADER_SIZE = 8;
/** Of what a front says, without its header. */
const MAX_SIZE = 4 << 20;

export function frame(type: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const header = Buffer.alloc(HEADER_SIZE);
  header.writeUInt32LE(
    parts.reduce((size, { length }) => size + length, 0),
    0,
  );
  header.writeUInt16LE(type, 4);
  return Buffer.concat([header, ...parts]);
}

export function int32(value: number): Uint8Array {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  return bytes;
}

export function uint64(value: bigint): Uint8Array {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(value);
  return bytes;
}

/** What a front must find at itself, too. */
export function greeting(build: string, facts: readonly bigint[]): Uint8Array {
  const name = Buffer.alloc(FRONT_BUILD_SIZE);
  name.write(build.slice(0, FRONT_BUILD_SIZE - 1), "latin1");
  return frame(FRONT_GREETING, name, ...facts.map(uint64));
}

export interface FrontCall {
  /** Hard ones, by number. */
  readonly limits: readonly bigint[];
  readonly oomScoreAdjust: number;
  /** Which of the descriptors 0, 1 and 2 are. */
  readonly terminals: readonly boolean[];
  /** All of it is text; names may be anything, and are not to be guessed. */
  readonly readable: boolean;
  readonly directory: string;
  readonly argv: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

export function decodeCall(body: Buffer): FrontCall {
  const limits = Array.from({ length: FRONT_LIMITS }, (_, index) => body.readBigUInt64LE(8 * index));
  const behind = 8 * FRONT_LIMITS;
  const terminals = body.readUInt32LE(behind + 8);
  const count = body.readUInt32LE(behind + 12);
  const strings = body.subarray(behind + 16, -1);
  const [directory = "", ...words] = strings.toString("utf8").split("\0");
  return {
    limits,
    oomScoreAdjust: Number(body.readBigInt64LE(behind)),
    terminals: [1, 2, 4].map((bit) => (terminals & bit) !== 0),
    readable: isUtf8(strings),
    directory,
    argv: words.slice(0, count),
    environment: Object.fromEntries(words.slice(count).map(splitVariable)),
  };
}

export interface Frame {
  readonly type: number;
  readonly body: Buffer;
}

/** Puts frames together. What stands behind one that is the last is left in `rest`. */
export class FrameReader {
  #rest: Buffer = Buffer.alloc(0);

  push(chunk: Uint8Array): void {
    this.#rest = Buffer.concat([this.#rest, chunk]);
  }

  next(): Frame | undefined {
    if (this.#rest.length < HEADER_SIZE) return undefined;
    const size = this.#rest.readUInt32LE(0);
    if (size > MAX_SIZE) throw new BerthError("corrupt", `a front sent a frame of ${size} bytes`);
    const end = HEADER_SIZE + size;
    if (this.#rest.length < end) return undefined;
    const body = this.#rest.subarray(HEADER_SIZE, end);
    const type = this.#rest.readUInt16LE(4);
    this.#rest = this.#rest.subarray(end);
    return { type, body };
  }

  get rest(): Buffer {
    return this.#rest;
  }
}
