/** The layout of a plan in memory: a header, then ops with their numbers and strings, all padded. */
import { BerthError } from "../lib/error.ts";
import { PLAN_MAGIC, PLAN_MAX_SIZE, PROTOCOL_VERSION } from "./protocol.ts";

const HEADER_SIZE = 16;
/** Counted in 16 bits. */
const STRINGS_MAX = 0xffff;

export class PlanWriter {
  #bytes = Buffer.alloc(16 << 10);
  /** The same bytes: whoever writes one plan writes it cold, and this is what an interpreter is quick at. */
  #view = viewOf(this.#bytes);
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
    this.#view.setUint16(start, code, true);
    this.#view.setUint16(start + 2, numbers.length, true);
    this.#view.setUint16(start + 4, strings.length, true);
    this.#view.setUint32(start + 8, this.#offset - start, true);
  }

  finish(count: number): Uint8Array {
    this.#view.setUint32(0, PLAN_MAGIC, true);
    this.#view.setUint16(4, PROTOCOL_VERSION, true);
    this.#view.setUint32(8, count, true);
    this.#view.setUint32(12, this.#offset, true);
    return this.#bytes.subarray(0, this.#offset);
  }

  #number(value: number | bigint): void {
    if (typeof value === "bigint") this.#view.setBigUint64(this.#offset, value, true);
    else {
      this.#view.setUint32(this.#offset, value >>> 0, true);
      this.#view.setUint32(this.#offset + 4, Math.floor(value / 2 ** 32) >>> 0, true);
    }
    this.#offset += 8;
  }

  #string(text: string | Uint8Array): void {
    if (typeof text === "string" && text.includes("\0"))
      throw new BerthError("invalid", `${JSON.stringify(text)} contains a null byte`);
    const length = typeof text === "string" ? Buffer.byteLength(text) : text.length;
    this.#reserve(length + 8);
    this.#view.setUint32(this.#offset, length, true);
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
    this.#view = viewOf(larger);
  }
}

function viewOf({ buffer, byteOffset, byteLength }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, byteLength);
}
