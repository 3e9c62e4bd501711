/** The server's side of RFC 6455, as far as streams of bytes need it: no extensions, no text, no messages kept. */
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { BerthError } from "../lib/error.ts";
import { writeTo } from "./flow.ts";
import type { Peer } from "./join.ts";
import { type WebSocketEvent, WebSocketReader } from "./websocket-reader.ts";

const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"; // RFC 6455 §1.3
const BINARY = 0x2;
const CLOSE = 0x8;
const PONG = 0xa;
const LINGER_MS = 10_000;

/** The answer that opens the websocket; throws when the request is none (RFC 6455 §4.2.1). */
export function webSocketHead(request: IncomingMessage): string {
  const { upgrade = "", "sec-websocket-key": key = "", "sec-websocket-version": version } = request.headers;
  if (upgrade.toLowerCase() !== "websocket" || Buffer.from(key, "base64").length !== 16 || version !== "13")
    throw new BerthError("invalid", "this endpoint wants a websocket of version 13");
  const accept = new Bun.CryptoHasher("sha1").update(key + GUID).digest("base64");
  return `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`;
}

/** One frame from the server, which never masks (§5.1). */
export function encodeMessage(opcode: number, payload: Uint8Array): Uint8Array {
  const head = payload.length < 126 ? [payload.length] : extendedLength(payload.length);
  return Buffer.concat([Uint8Array.of(0x80 | opcode, ...head), payload]);
}

function extendedLength(length: number): number[] {
  if (length < 65_536) return [126, length >> 8, length & 0xff];
  return [127, ...new Uint8Array(new BigUint64Array([BigInt(length)]).buffer).toReversed()];
}

export class WebSocketPeer implements Peer {
  readonly #socket: Duplex;
  readonly #reader = new WebSocketReader();
  #closing = false;

  constructor(socket: Duplex) {
    this.#socket = socket;
  }

  get gone(): boolean {
    return this.#closing || this.#socket.destroyed;
  }

  send(bytes: Uint8Array): Promise<void> | undefined {
    return this.gone ? undefined : writeTo(this.#socket, encodeMessage(BINARY, bytes));
  }

  receive(on: Parameters<Peer["receive"]>[0]): void {
    this.#socket.once("close", () => on.gone());
    this.#socket.on("error", () => {}); // `close` follows
    if (this.#socket.destroyed) return on.gone();
    this.#socket.once("end", () => this.#close(1000, on));
    this.#socket.on("data", (chunk: Uint8Array) => void this.#take(chunk, on));
  }

  finish(): void {
    this.#socket.removeAllListeners("data").resume();
    this.#sendClose(1000);
    this.#socket.end();
    const linger = setTimeout(() => this.#socket.destroy(), LINGER_MS).unref();
    this.#socket.once("close", () => clearTimeout(linger));
  }

  async #take(chunk: Uint8Array, on: Parameters<Peer["receive"]>[0]): Promise<void> {
    this.#socket.pause();
    for (const event of this.#reader.push(chunk)) {
      if (this.gone) break;
      await this.#act(event, on);
    }
    this.#socket.resume();
  }

  #act(event: WebSocketEvent, on: Parameters<Peer["receive"]>[0]): Promise<void> | undefined {
    switch (event.kind) {
      case "data":
        return on.data(event.bytes);
      case "ping":
        return writeTo(this.#socket, encodeMessage(PONG, event.bytes));
      case "close":
        this.#close(event.code, on);
    }
  }

  /** A websocket has no half: who closes it wants nothing more. */
  #close(code: number, on: Parameters<Peer["receive"]>[0]): void {
    this.#sendClose(code);
    on.gone();
    this.#socket.end();
  }

  #sendClose(code: number): void {
    if (this.gone || this.#socket.writableEnded) return;
    this.#closing = true;
    this.#socket.write(encodeMessage(CLOSE, Uint8Array.of(code >> 8, code & 0xff)));
  }
}
