/**
 * One HTTP/1.1 connection on a unix socket. Written here and not left to fetch(), because attach and exec take the
 * connection over (101 UPGRADED), and one way to connect, wait and fail is easier to know than two.
 */
import type { Socket } from "bun";
import { BerthError } from "../lib/error.ts";
import { ByteQueue } from "./bytes.ts";
import { bodyOf, type Head, readHead } from "./message.ts";

export type Body = string | Uint8Array | AsyncIterable<Uint8Array>;

export interface Request {
  readonly method: "GET" | "HEAD" | "POST" | "PUT" | "DELETE";
  /** With its query. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Body | undefined;
}

export interface Response extends Head {
  /** To be read to its end, or the connection is of no more use. */
  readonly body: AsyncGenerator<Uint8Array, void>;
}

export class Connection {
  readonly #socket: Socket<unknown>;
  readonly #received: ByteQueue;
  readonly #drained: Signal;
  #closed = false;

  private constructor(socket: Socket<unknown>, received: ByteQueue, drained: Signal) {
    this.#socket = socket;
    this.#received = received;
    this.#drained = drained;
  }

  /** Undefined when nobody listens there. */
  static async open(path: string): Promise<Connection | undefined> {
    const received = new ByteQueue();
    const drained = new Signal();
    try {
      const socket = await Bun.connect({
        unix: path,
        allowHalfOpen: true,
        socket: handlers(received, drained),
      });
      received.feedFrom(socket);
      return new Connection(socket, received, drained);
    } catch (error) {
      return nobody(path, error);
    }
  }

  /** True while another request may be sent. */
  get usable(): boolean {
    return !this.#closed && !this.#received.ended;
  }

  /** Resolves with the head of the answer; undefined when the connection ended before any. */
  async send(request: Request): Promise<Response | undefined> {
    const upload = this.#write(request);
    upload.catch(() => {}); // the answer says what went wrong; without one, readHead ends
    const head = await readHead(this.#received);
    if (head === undefined) return undefined;
    return { ...head, body: bodyOf(request.method, head, this.#received) };
  }

  /** What comes after the head of a 101. */
  async *output(): AsyncGenerator<Uint8Array, void> {
    for (let chunk = await this.#received.take(); chunk !== undefined; chunk = await this.#received.take()) {
      yield chunk;
    }
  }

  /** Resolves when the kernel has taken all of it; false when the other end is gone. */
  async write(bytes: Uint8Array): Promise<boolean> {
    let rest = bytes;
    while (rest.length > 0) {
      if (this.#received.ended && this.#closed) return false;
      const taken = this.#socket.write(rest);
      if (taken < 0) return false;
      rest = rest.subarray(taken);
      if (rest.length > 0 && !(await this.#drained.wait())) return false;
    }
    return true;
  }

  /** Half-close: the other end sees the end of our bytes and may go on sending. */
  closeInput(): void {
    this.#socket.shutdown();
  }

  close(): void {
    this.#closed = true;
    this.#socket.end();
  }

  async #write(request: Request): Promise<void> {
    const { body = "" } = request;
    if (typeof body === "string" || body instanceof Uint8Array)
      return void (await this.#writeWhole(request, body));
    await this.write(encodeHead(request, { "Transfer-Encoding": "chunked" }));
    for await (const chunk of body) {
      if (chunk.length > 0 && !(await this.#writeChunk(chunk))) return;
    }
    await this.write(new TextEncoder().encode("0\r\n\r\n"));
  }

  async #writeWhole(request: Request, body: string | Uint8Array): Promise<void> {
    const bytes = typeof body === "string" ? new TextEncoder().encode(body) : body;
    const head = encodeHead(request, { "Content-Length": `${bytes.length}` });
    await this.write(Buffer.concat([head, bytes]));
  }

  async #writeChunk(chunk: Uint8Array): Promise<boolean> {
    const size = new TextEncoder().encode(`${chunk.length.toString(16)}\r\n`);
    return await this.write(Buffer.concat([size, chunk, new Uint8Array([13, 10])]));
  }
}

/** Wakes the one who waits; `end` wakes for good. */
class Signal {
  #ended = false;
  #wake: ((alive: boolean) => void) | undefined;

  wait(): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    if (this.#ended) resolve(false);
    else this.#wake = resolve;
    return promise;
  }

  fire(): void {
    this.#wake?.(true);
  }

  end(): void {
    this.#ended = true;
    this.#wake?.(false);
  }
}

function handlers(received: ByteQueue, drained: Signal): Bun.SocketHandler {
  const end = (error?: Error): void => {
    received.end(error);
    drained.end();
  };
  return {
    binaryType: "uint8array",
    data: (_, chunk) => received.push(chunk),
    drain: () => drained.fire(),
    end: () => received.end(),
    close: (_, error) => end(error),
    error: (_, error) => end(error),
  };
}

/** Head and first bytes of the body go out in one write. */
function encodeHead(request: Request, more: Readonly<Record<string, string>>): Uint8Array {
  const headers = { Host: "berth", "User-Agent": "berth", ...more, ...request.headers };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return new TextEncoder().encode(`${request.method} ${request.path} HTTP/1.1\r\n${lines.join("")}\r\n`);
}

function nobody(path: string, error: unknown): undefined {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === "ENOENT" || code === "ECONNREFUSED" || code === "ECONNRESET") return undefined; // the last: it ended before it had accepted us
  if (code === "EACCES" || code === "EPERM") {
    throw new BerthError(
      "unauthorized",
      `permission denied while trying to connect to the engine's socket at unix://${path}: become root, with sudo`,
    );
  }
  throw new BerthError("unavailable", `connect to unix://${path}: ${code ?? message}`);
}
