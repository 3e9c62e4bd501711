/** The fields of a 512 byte tar header: where they are, and how their numbers and texts are read. */
import { BLOCK, type ByteString, tarError, toByteString } from "./tar.ts";

export const FIELD = {
  name: [0, 100],
  mode: [100, 8],
  uid: [108, 8],
  gid: [116, 8],
  size: [124, 12],
  mtime: [136, 12],
  checksum: [148, 8],
  type: [156, 1],
  linkName: [157, 100],
  magic: [257, 8],
  userName: [265, 32],
  groupName: [297, 32],
  major: [329, 8],
  minor: [337, 8],
  prefix: [345, 155],
} as const satisfies Record<string, readonly [offset: number, length: number]>;

export type Field = readonly [offset: number, length: number];

/** Up to the first NUL. */
export function readText(block: Uint8Array, [offset, length]: Field): ByteString {
  const field = block.subarray(offset, offset + length);
  const end = field.indexOf(0);
  return toByteString(end < 0 ? field : field.subarray(0, end));
}

/** Octal digits, or GNU's base-256 when the first bit is set. */
export function readNumber(block: Uint8Array, field: Field, what: string): number {
  const [offset, length] = field;
  const first = block[offset] ?? 0;
  if (first & 0x80) return readBase256(block.subarray(offset, offset + length), what);
  const text = toByteString(block.subarray(offset, offset + length)).replace(/^[ \0]+|[ \0][^]*$/g, "");
  if (text === "") return 0;
  if (!/^[0-7]+$/.test(text)) throw tarError(`tar header with a ${what} that is no number`);
  return Number.parseInt(text, 8);
}

/** The sum of all bytes with the checksum taken as blanks; some old writers summed signed bytes. */
export function checksumMatches(block: Uint8Array): boolean {
  const [offset, length] = FIELD.checksum;
  const text = /^[ \0]*([0-7]+)[ \0]/.exec(toByteString(block.subarray(offset, offset + length)))?.[1];
  const { unsigned, signed } = checksums(block);
  const wanted = Number.parseInt(text ?? "", 8);
  return wanted === unsigned || wanted === signed;
}

export function checksums(block: Uint8Array): { unsigned: number; signed: number } {
  let unsigned = 8 * 0x20;
  let high = 0;
  for (let index = 0; index < BLOCK; index++) {
    if (index === 148) index = 156;
    const byte = block[index] ?? 0;
    unsigned += byte;
    if (byte > 127) high++;
  }
  return { unsigned, signed: unsigned - 256 * high };
}

export function isZeroBlock(block: Uint8Array): boolean {
  for (let index = 0; index < BLOCK; index++) if (block[index] !== 0) return false;
  return true;
}

/** Two's complement, most significant byte first, the marker bit taken off. */
function readBase256(bytes: Uint8Array, what: string): number {
  const negative = ((bytes[0] ?? 0) & 0x40) !== 0;
  let value = negative ? -1n : 0n;
  value = (value << 6n) | BigInt((bytes[0] ?? 0) & 0x3f);
  for (const byte of bytes.subarray(1)) value = (value << 8n) | BigInt(byte);
  if (value > BigInt(Number.MAX_SAFE_INTEGER) || value < BigInt(Number.MIN_SAFE_INTEGER))
    throw tarError(`tar header with an impossible ${what}`);
  return Number(value);
}
