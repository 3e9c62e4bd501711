/** The layout of a plan in memory: a header, then ops with their numbers and strings, all padded. */
import { BerthError } from "../lib/error.ts";
import { PLAN_MAGIC, PLAN_MAX_SIZE, PROTOCOL_VERSION } from "./protocol.ts";

const HEADER_SIZE = 16;
/** Counted in 16 bits. */
const STRINGS_MAX = 0xffff;

export class PlanWriter {
  #bytes = Buffer.alloc(16 << 10);
  #offset = HEADER_SIZE;

  op(code: number, numbers: readonly (number | bigint)[], strings: readonly (string | Uint8Array)[]): void {
    if (strings.length > STRINGS_MAX) throw new BerthError("invalid", "argument list too long");
    const start = this.#offset;
    this.#reserve(HEADER_SIZE + numbers.length * 8);
    this.#offset += HEADER_SIZE;
    for (const number of numbers) this.#number(number);
    for (const text of strings) this.#string(text);
    this.#offset = (this.#offset + 7) & ~7;
    this.#reserve(0);
    this.#bytes.writeUInt16LE(code, start);
    this.#bytes.writeUInt16LE(numbers.length, start + 2);
    this.#bytes.writeUInt16LE(strings.length, start + 4);
    this.#bytes.writeUInt32LE(this.#offset - start, start + 8);
  }

  finish(count: number): Uint8Array {
    this.#bytes.writeUInt32LE(PLAN_MAGIC, 0);
    this.#bytes.writeUInt16LE(PROTOCOL_VERSION, 4);
    this.#bytes.writeUInt32LE(count, 8);
    this.#bytes.writeUInt32LE(this.#offset, 12);
    return this.#bytes.subarray(0, this.#offset);
  }

  #number(value: number | bigint): void {
    if (typeof value === "bigint") this.#bytes.writeBigUInt64LE(BigInt.asUintN(64, value), this.#offset);
    else {
      this.#bytes.writeUInt32LE(value >>> 0, this.#offset);
      this.#bytes.writeUInt32LE(Math.floor(value / 2 ** 32) >>> 0, this.#offset + 4);
    }
    this.#offset += 8;
  }

  #string(text: string | Uint8Array): void {
    if (typeof text === "string" && text.includes("\0"))
      throw new BerthError("invalid", `${JSON.stringify(text)} contains a null byte`);
    const length = typeof text === "string" ? Buffer.byteLength(text) : text.length;
    this.#reserve(length + 8);
    this.#bytes.writeUInt32LE(length, this.#offset);
    if (typeof text === "string") this.#bytes.write(text, this.#offset + 4);
    else this.#bytes.set(text, this.#offset + 4);
    this.#offset = (this.#offset + 4 + length + 1 + 3) & ~3;
  }

  /** Room for `size` more bytes; all behind the offset are zeroes. */
  #reserve(size: number): void {
    const wanted = this.#offset + size + 8;
    if (wanted <= this.#bytes.length) return;
    if (wanted > PLAN_MAX_SIZE) throw new BerthError("invalid", "arguments and environment are too long");
    const larger = Buffer.alloc(Math.min(Math.max(wanted, this.#bytes.length * 2), PLAN_MAX_SIZE));
    larger.set(this.#bytes);
    this.#bytes = larger;
  }
}
