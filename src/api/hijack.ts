/** A connection that stops being HTTP and carries the streams of a process, as docker's attach and exec do. */
import type { IncomingMessage } from "node:http";
import type { Duplex, Readable } from "node:stream";
import { writeTo } from "./flow.ts";
import type { Peer } from "./join.ts";

/** How long a client may leave its side open after we have said everything. */
const LINGER_MS = 10_000;

/** What docker's server answers, byte for byte: 101 to who asked for an upgrade, else 200 and the bare stream. */
export function hijackHead(request: IncomingMessage, contentType: string): string {
  return request.headers.upgrade === undefined
    ? `HTTP/1.1 200 OK\r\nContent-Type: ${contentType}\r\n\r\n`
    : `HTTP/1.1 101 UPGRADED\r\nContent-Type: ${contentType}\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n`;
}

/** `input` is the socket itself, or the request's body where the parser still owns the socket. */
export class SocketPeer implements Peer {
  readonly #socket: Duplex;
  readonly #input: Readable;

  constructor(socket: Duplex, input: Readable = socket) {
    this.#socket = socket;
    this.#input = input;
  }

  get gone(): boolean {
    return this.#socket.destroyed;
  }

  send(bytes: Uint8Array): Promise<void> | undefined {
    return writeTo(this.#socket, bytes);
  }

  receive(on: Parameters<Peer["receive"]>[0]): void {
    this.#socket.once("close", () => on.gone());
    this.#socket.on("error", () => {}); // `close` follows, and says all that matters
    if (this.#socket.destroyed) return on.gone();
    this.#input.once("end", () => on.end());
    this.#input.on("data", (bytes: Uint8Array) => {
      const pending = on.data(bytes);
      if (pending === undefined) return;
      this.#input.pause();
      void pending.then(() => this.#input.resume());
    });
  }

  /** Half a close, and reading on: a connection closed with input unread would reach the client as an error. */
  finish(): void {
    this.#input.removeAllListeners("data").resume();
    this.#socket.end();
    const linger = setTimeout(() => this.#socket.destroy(), LINGER_MS).unref();
    this.#socket.once("close", () => clearTimeout(linger));
  }
}
