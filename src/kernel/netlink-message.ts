/** Netlink messages as bytes: header, family header, attributes; integers in host order, which is little endian wherever berth runs. */

export const NLM_F_REQUEST = 0x1;
export const NLM_F_ACK = 0x4;
export const NLM_F_DUMP = 0x300;
export const NLM_F_REPLACE = 0x100;
export const NLM_F_EXCL = 0x200;
export const NLM_F_CREATE = 0x400;
export const NLM_F_APPEND = 0x800;
export const NLMSG_ERROR = 2;
export const NLMSG_DONE = 3;

const HEADER_SIZE = 16;
const NLA_F_NESTED = 0x8000;
const NLA_TYPE_MASK = 0x3fff;
const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** An integer of 1, 2, 4 or 8 bytes. */
export function u8(value: number): Uint8Array {
  return Uint8Array.of(value);
}

export function u16(value: number): Uint8Array {
  const bytes = new Uint8Array(2);
  new DataView(bytes.buffer).setUint16(0, value, true);
  return bytes;
}

export function u32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, true);
  return bytes;
}

/** Big endian, as nftables wants its numbers. */
export function be32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, false);
  return bytes;
}

/** NUL-terminated. */
export function text(value: string): Uint8Array {
  return encoder.encode(`${value}\0`);
}

export function attribute(type: number, payload: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(align(4 + payload.length));
  const view = new DataView(bytes.buffer);
  view.setUint16(0, 4 + payload.length, true);
  view.setUint16(2, type, true);
  bytes.set(payload, 4);
  return bytes;
}

export function nested(type: number, ...attributes: readonly Uint8Array[]): Uint8Array {
  return attribute(type | NLA_F_NESTED, concat(attributes));
}

/** A whole message; sequence number and port stay 0 until a socket numbers it. */
export function message(type: number, flags: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const body = concat(parts);
  const bytes = new Uint8Array(align(HEADER_SIZE + body.length));
  const view = new DataView(bytes.buffer);
  view.setUint32(0, HEADER_SIZE + body.length, true);
  view.setUint16(4, type, true);
  view.setUint16(6, flags | NLM_F_REQUEST, true);
  bytes.set(body, HEADER_SIZE);
  return bytes;
}

export function setSequence(bytes: Uint8Array, sequence: number): void {
  new DataView(bytes.buffer, bytes.byteOffset).setUint32(8, sequence, true);
}

export interface Received {
  readonly type: number;
  readonly flags: number;
  readonly sequence: number;
  /** Family header and attributes. */
  readonly body: Uint8Array;
}

/** The messages of one datagram; a length that lies ends the list. */
export function decodeMessages(bytes: Uint8Array): Received[] {
  const messages: Received[] = [];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = 0; at + HEADER_SIZE <= bytes.length;) {
    const length = view.getUint32(at, true);
    if (length < HEADER_SIZE || at + length > bytes.length) break;
    messages.push({
      type: view.getUint16(at + 4, true),
      flags: view.getUint16(at + 6, true),
      sequence: view.getUint32(at + 8, true),
      body: bytes.subarray(at + HEADER_SIZE, at + length),
    });
    at += align(length);
  }
  return messages;
}

/** Messages that were put together, each with its header again. */
export function splitMessages(bytes: Uint8Array): Uint8Array[] {
  const messages: Uint8Array[] = [];
  for (let at = 0; at + HEADER_SIZE <= bytes.length;) {
    const length = align(readU32(bytes, at) ?? bytes.length);
    messages.push(bytes.subarray(at, at + length));
    at += length;
  }
  return messages;
}

/** Attributes by type; of a type that occurs twice, the last. */
export function decodeAttributes(bytes: Uint8Array): Map<number, Uint8Array> {
  return new Map(attributeList(bytes));
}

export function attributeList(bytes: Uint8Array): [type: number, payload: Uint8Array][] {
  const list: [number, Uint8Array][] = [];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = 0; at + 4 <= bytes.length;) {
    const length = view.getUint16(at, true);
    if (length < 4 || at + length > bytes.length) break;
    list.push([view.getUint16(at + 2, true) & NLA_TYPE_MASK, bytes.subarray(at + 4, at + length)]);
    at += align(length);
  }
  return list;
}

export function readU32(bytes: Uint8Array | undefined, at = 0): number | undefined {
  if (bytes === undefined || bytes.length < at + 4) return undefined;
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(at, true);
}

export function readText(bytes: Uint8Array | undefined): string | undefined {
  if (bytes === undefined) return undefined;
  const end = bytes.indexOf(0);
  return decoder.decode(end < 0 ? bytes : bytes.subarray(0, end));
}

export function concat(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

function align(length: number): number {
  return (length + 3) & ~3;
}
