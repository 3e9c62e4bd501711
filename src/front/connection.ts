/** What is at the other end of a connection: a front, or a shim that a front has started. */
import { Outbox } from "../lib/outbox.ts";
import * as protocol from "./protocol.ts";

/** Who serves a connection. */
export interface Host {
  readonly greeting: Uint8Array;
  /** A front has called: what it says from here on is for whom this answers. Throws where the body is no call. */
  perform(body: Buffer, connection: Connection): Hearer;
  /** A shim has called, by the name of its launch: the rest of its connection is `connection.chunks`. */
  hand(token: bigint, connection: Connection): void;
  closed(): void;
}

export interface Hearer {
  hear(said: protocol.Frame): void;
  closed(): void;
}

export class Connection {
  readonly #host: Host;
  readonly #socket: Bun.Socket<Connection>;
  readonly #outbox: Outbox;
  readonly #reader = new protocol.FrameReader();
  /** Of a front that has called. */
  #front: Hearer | undefined;
  /** Of a shim: what it says is not ours to take apart. */
  #chunks: Chunks | undefined;

  constructor(host: Host, socket: Bun.Socket<Connection>) {
    this.#host = host;
    this.#socket = socket;
    this.#outbox = new Outbox(socket);
  }

  send(bytes: Uint8Array): void {
    this.#outbox.send(bytes);
  }

  /** Resolves when little is on its way, or nobody is there to take it. */
  room(): Promise<void> {
    return this.#outbox.room();
  }

  end(): void {
    this.#socket.terminate();
  }

  /** What a shim says until it is gone. */
  get chunks(): AsyncIterable<Uint8Array> {
    return (this.#chunks ??= new Chunks());
  }

  take(chunk: Uint8Array): void {
    if (this.#chunks !== undefined) return this.#chunks.push(chunk);
    try {
      this.#reader.push(chunk);
      for (let said = this.#reader.next(); said !== undefined; said = this.#next()) this.#hear(said);
    } catch {
      this.end(); // it does not speak our language
    }
  }

  drained(): void {
    this.#outbox.flush();
  }

  closed(): void {
    this.#outbox.close();
    this.#chunks?.end();
    this.#front?.closed();
    this.#host.closed();
  }

  /** Behind its first frame a shim's connection is the shim's. */
  #next(): protocol.Frame | undefined {
    return this.#chunks === undefined ? this.#reader.next() : undefined;
  }

  #hear(said: protocol.Frame): void {
    const { type, body } = said;
    if (type === protocol.FRONT_HELLO) return this.send(this.#host.greeting);
    if (type === protocol.FRONT_CALL && this.#front === undefined)
      return void (this.#front = this.#host.perform(body, this));
    if (type !== protocol.FRONT_CONTROL) return this.#front?.hear(said);
    this.#chunks = new Chunks();
    if (this.#reader.rest.length > 0) this.#chunks.push(this.#reader.rest);
    this.#host.hand(body.readBigUInt64LE(0), this);
  }
}

/** What has come and nobody has taken yet. */
class Chunks {
  #waiting: Uint8Array[] = [];
  #ended = false;
  #wake: (() => void) | undefined;

  /** A copy: the socket uses its buffer again. */
  push(chunk: Uint8Array): void {
    this.#waiting.push(Uint8Array.from(chunk));
    this.#wake?.();
  }

  end(): void {
    this.#ended = true;
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    for (;;) {
      yield* this.#waiting.splice(0);
      if (this.#waiting.length > 0) continue;
      if (this.#ended) return;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }
}
