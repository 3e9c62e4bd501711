/** A server on a socket of its own and raw connections to it, for the API's tests. */
import { mkdtempSync, rmSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ApiEngine } from "./engine.ts";
import { serve } from "./server.ts";

export interface TestServer extends AsyncDisposable {
  readonly socketPath: string;
  fetch(path: string, init?: RequestInit): Promise<Response>;
  connect(): RawClient;
}

export async function testServer(engine: ApiEngine): Promise<TestServer> {
  const directory = mkdtempSync(join(tmpdir(), "berth-api-"));
  const socketPath = join(directory, "s");
  const server = await serve(engine, { socketPath, version: "test" });
  return {
    socketPath,
    fetch: (path, init) => fetch(`http://berth${path}`, { ...init, unix: socketPath }),
    connect: () => new RawClient(connect({ path: socketPath, allowHalfOpen: true })),
    [Symbol.asyncDispose]: async () => {
      await server.close({ graceMs: 0 });
      rmSync(directory, { recursive: true });
    },
  };
}

/** Bytes in, bytes out; waits for what a test expects instead of sleeping. */
export class RawClient {
  readonly socket: Socket;
  readonly ended = Promise.withResolvers<void>();
  #received: Uint8Array = new Uint8Array(0);
  #over = false;
  #arrived = Promise.withResolvers<void>();

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on("data", (chunk: Uint8Array) => this.#arrive(chunk));
    for (const event of ["end", "close", "error"]) socket.on(event, () => this.#end());
  }

  get bytes(): Uint8Array {
    return this.#received;
  }

  get text(): string {
    return Buffer.from(this.#received).toString("latin1");
  }

  send(bytes: string | Uint8Array): this {
    this.socket.write(bytes);
    return this;
  }

  request(method: string, path: string, headers: readonly string[] = [], body = ""): this {
    const lines = [`${method} ${path} HTTP/1.1`, "Host: berth", `Content-Length: ${body.length}`, ...headers];
    return this.send(`${lines.join("\r\n")}\r\n\r\n${body}`);
  }

  /** What has been received when `text` has arrived, or the server has ended the connection. */
  async until(text: string): Promise<string> {
    while (!this.text.includes(text) && !this.#over) {
      await this.#arrived.promise;
      this.#arrived = Promise.withResolvers();
    }
    return this.text;
  }

  #arrive(chunk: Uint8Array): void {
    this.#received = Buffer.concat([this.#received, chunk]);
    this.#arrived.resolve();
  }

  #end(): void {
    this.#over = true;
    this.ended.resolve();
    this.#arrived.resolve();
  }
}
