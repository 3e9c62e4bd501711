/** Takes apart what a websocket client sends (RFC 6455 §5.2), piece by piece: data is never gathered, only handed on. */

export type WebSocketEvent =
  | { readonly kind: "data"; readonly bytes: Uint8Array }
  | { readonly kind: "ping"; readonly bytes: Uint8Array }
  /** The client closes, or broke the protocol; `code` is what to answer. */
  | { readonly kind: "close"; readonly code: number };

interface Head {
  readonly opcode: number;
  readonly final: boolean;
  readonly mask: Uint8Array;
  readonly lengthBytes: number;
  readonly sizeBytes: number;
}

const PROTOCOL_ERROR = 1002;
const EMPTY = new Uint8Array(0);

export class WebSocketReader {
  #rest: Uint8Array = EMPTY;
  #head: Head | undefined;
  #readBytes = 0;
  #inMessage = false;
  #broken = false;

  *push(chunk: Uint8Array): Generator<WebSocketEvent> {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    while (!this.#broken) {
      this.#head ??= this.#nextHead();
      if (this.#broken) yield { kind: "close", code: PROTOCOL_ERROR };
      if (this.#broken || this.#head === undefined) return;
      const event = this.#head.opcode >= 8 ? this.#control(this.#head) : this.#data(this.#head);
      if (event === undefined) return;
      yield event;
    }
  }

  /** Undefined when more bytes are needed, or when the protocol is broken. */
  #nextHead(): Head | undefined {
    const head = parseHead(this.#rest);
    if (head === undefined) return undefined;
    if (head === "broken" || !this.#fits(head)) {
      this.#broken = true;
      return undefined;
    }
    if (head.opcode < 8) this.#inMessage = !head.final;
    this.#rest = this.#rest.subarray(head.sizeBytes);
    this.#readBytes = 0;
    return head;
  }

  /** Continuations follow a beginning, beginnings follow an end, and control frames are small and whole (§5.4, §5.5). */
  #fits({ opcode, final, lengthBytes }: Head): boolean {
    if (opcode >= 8) return opcode <= 10 && final && lengthBytes <= 125;
    return opcode <= 2 && (opcode === 0) === this.#inMessage;
  }

  #data(head: Head): WebSocketEvent | undefined {
    if (this.#rest.length === 0 && head.lengthBytes > this.#readBytes) return undefined;
    const bytes = unmask(
      this.#rest.subarray(0, head.lengthBytes - this.#readBytes),
      head.mask,
      this.#readBytes,
    );
    this.#rest = this.#rest.subarray(bytes.length);
    this.#readBytes += bytes.length;
    if (this.#readBytes === head.lengthBytes) this.#head = undefined;
    return { kind: "data", bytes };
  }

  #control(head: Head): WebSocketEvent | undefined {
    if (this.#rest.length < head.lengthBytes) return undefined;
    const bytes = unmask(this.#rest.subarray(0, head.lengthBytes), head.mask, 0);
    this.#rest = this.#rest.subarray(head.lengthBytes);
    this.#head = undefined;
    if (head.opcode === 9) return { kind: "ping", bytes };
    if (head.opcode === 8) return { kind: "close", code: closeCode(bytes) };
    return { kind: "data", bytes: EMPTY }; // a pong: nothing to do
  }
}

function parseHead(bytes: Uint8Array): Head | "broken" | undefined {
  const [first, second] = bytes;
  if (first === undefined || second === undefined) return undefined;
  if ((first & 0x70) !== 0 || (second & 0x80) === 0) return "broken"; // extensions; a client that does not mask
  const short = second & 0x7f;
  const lengthSize = short === 127 ? 8 : short === 126 ? 2 : 0;
  if (bytes.length < 6 + lengthSize) return undefined;
  const lengthBytes = lengthSize === 0 ? short : readLength(bytes.subarray(2, 2 + lengthSize));
  if (lengthBytes > Number.MAX_SAFE_INTEGER) return "broken";
  const mask = bytes.slice(2 + lengthSize, 6 + lengthSize);
  return { opcode: first & 0xf, final: (first & 0x80) !== 0, mask, lengthBytes, sizeBytes: 6 + lengthSize };
}

function readLength(bytes: Uint8Array): number {
  return bytes.reduce((length, byte) => length * 256 + byte, 0);
}

function unmask(bytes: Uint8Array, mask: Uint8Array, offset: number): Uint8Array {
  return bytes.map((byte, index) => byte ^ (mask[(offset + index) % 4] ?? 0));
}

/** Codes that may be sent back as they came; anything else is a protocol error (§7.4). */
function closeCode(payload: Uint8Array): number {
  if (payload.length === 0) return 1000;
  const code = ((payload[0] ?? 0) << 8) | (payload[1] ?? 0);
  return code === 1000 || code === 1001 || (code >= 3000 && code < 5000) ? code : PROTOCOL_ERROR;
}
