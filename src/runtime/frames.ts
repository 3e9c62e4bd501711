/** Messages between engine and shim on a control connection: 8 bytes of header, then what the type says. Little endian. */
import { BerthError } from "../lib/error.ts";
import * as protocol from "./protocol.ts";
import type { LogFile } from "./runtime.ts";

const HEADER_SIZE = 8;

export type ShimMessage =
  | {
      readonly type: "state";
      readonly phase: number;
      readonly pid: number;
      readonly startTime: bigint;
      readonly shimPid: number;
      readonly version: number;
    }
  | {
      readonly type: "failed" | "warning";
      readonly op: number;
      readonly errno: number;
      readonly object: string;
    }
  | {
      readonly type: "exited";
      readonly exitCode: number;
      readonly flags: number;
      readonly finishedAt: bigint;
      /** A shim of version 1 does not say. */
      readonly lostEntries: bigint;
    }
  | { readonly type: "barrier"; readonly barrier: number }
  | { readonly type: "reply"; readonly to: number; readonly errno: number };

function frame(type: number, payload: Uint8Array = new Uint8Array()): Uint8Array {
  const bytes = Buffer.alloc(HEADER_SIZE + payload.length);
  bytes.writeUInt32LE(payload.length, 0);
  bytes.writeUInt16LE(type, 4);
  bytes.set(payload, HEADER_SIZE);
  return bytes;
}

function words(...values: readonly number[]): Uint8Array {
  return new Uint8Array(Uint32Array.from(values).buffer);
}

export const helloFrame = (): Uint8Array => frame(protocol.MSG_HELLO, words(protocol.PROTOCOL_VERSION));
export const startFrame = (): Uint8Array => frame(protocol.MSG_START, words(protocol.BARRIER_START));
export const hooksDoneFrame = (): Uint8Array => frame(protocol.MSG_START, words(protocol.BARRIER_HOOKS));
export const signalFrame = (signal: number): Uint8Array => frame(protocol.MSG_SIGNAL, words(signal));

export function attachFrame(flags: number): Uint8Array {
  return frame(protocol.MSG_ATTACH, words(protocol.PROTOCOL_VERSION, flags));
}

export function resizeFrame(rows: number, columns: number): Uint8Array {
  return frame(protocol.MSG_RESIZE, new Uint8Array(Uint16Array.of(rows, columns).buffer));
}

/** What a follower of the log is sent first: see struct log_file. The count says how many bytes follow. */
export function decodeLogFiles(body: Uint8Array): LogFile[] {
  const numbers = Buffer.from(body);
  return Array.from({ length: Math.floor(numbers.length / 16) }, (_, index) => ({
    inode: Number(numbers.readBigUInt64LE(16 * index)),
    bytes: Number(numbers.readBigUInt64LE(16 * index + 8)),
  }));
}

/** Puts frames together from whatever pieces the socket delivers. Types it does not know are skipped: a newer shim may send more. */
export class FrameDecoder {
  #rest: Buffer = Buffer.alloc(0);

  *push(chunk: Uint8Array): Generator<ShimMessage> {
    const piece = Buffer.from(chunk); // a copy: the socket uses its buffer again
    this.#rest = this.#rest.length === 0 ? piece : Buffer.concat([this.#rest, piece]);
    while (this.#rest.length >= HEADER_SIZE) {
      const size = this.#rest.readUInt32LE(0);
      if (size > protocol.FRAME_MAX_SIZE)
        throw new BerthError("corrupt", `the shim sent a frame of ${size} bytes`);
      if (this.#rest.length < HEADER_SIZE + size) return;
      const message = decode(
        this.#rest.readUInt16LE(4),
        this.#rest.subarray(HEADER_SIZE, HEADER_SIZE + size),
      );
      this.#rest = this.#rest.subarray(HEADER_SIZE + size);
      if (message !== undefined) yield message;
    }
  }
}

function decode(type: number, body: Buffer): ShimMessage | undefined {
  switch (type) {
    case protocol.MSG_STATE:
      return {
        type: "state",
        phase: body.readUInt32LE(0),
        pid: body.readInt32LE(4),
        startTime: body.readBigUInt64LE(8),
        shimPid: body.readInt32LE(16),
        version: body.readUInt32LE(20),
      };
    case protocol.MSG_FAILED:
    case protocol.MSG_WARNING:
      return {
        type: type === protocol.MSG_FAILED ? "failed" : "warning",
        op: body.readUInt32LE(0),
        errno: body.readInt32LE(4),
        object: body.toString("utf8", 12, 12 + body.readUInt32LE(8)),
      };
    case protocol.MSG_EXITED:
      return {
        type: "exited",
        exitCode: body.readInt32LE(0),
        flags: body.readUInt32LE(4),
        finishedAt: body.readBigInt64LE(8),
        lostEntries: body.length >= 24 ? body.readBigUInt64LE(16) : 0n,
      };
    case protocol.MSG_BARRIER:
      return { type: "barrier", barrier: body.readUInt32LE(0) };
    case protocol.MSG_REPLY:
      return { type: "reply", to: body.readUInt16LE(0), errno: body.readInt32LE(4) };
    default:
      return undefined;
  }
}
