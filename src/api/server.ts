/** Docker's REST API on a unix socket. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import type { Engine } from "../engine/engine.ts";
import type { Visits } from "../lib/idle.ts";
import { type Log, silent } from "../lib/log.ts";
import { API_VERSION } from "../wire/versions.ts";
import { answer } from "./answer.ts";
import type { ApiEngine } from "./engine.ts";
import { Exchange } from "./exchange.ts";
import type { Headers } from "./reply.ts";
import { closeSocket, listen } from "./socket.ts";

export interface ServeOptions {
  readonly socketPath: string;
  /** The group that may use the socket beside its owner. */
  readonly group?: string | undefined;
  /** The version of berth, for the Server header; the engine's own when not named. */
  readonly version?: string | undefined;
  /** Told of each connection. */
  readonly visits?: Visits | undefined;
  readonly log?: Log | undefined;
}

/** Throws `conflict` when another engine listens there; a socket that nobody listens on any more is replaced. */
export async function serve(engine: Engine | ApiEngine, options: ServeOptions): Promise<Server> {
  const server = new Server(engine as ApiEngine, options);
  await server.listen();
  return server;
}

const BAD_REQUEST =
  'HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n{"message":"this is not HTTP"}\n';

export class Server implements AsyncDisposable {
  readonly #engine: ApiEngine;
  readonly #options: ServeOptions;
  readonly #headers: Headers;
  readonly #http = createServer({ keepAliveTimeout: 0 });
  readonly #sockets = new Set<Duplex>();
  readonly #exchanges = new Set<Exchange>();

  constructor(engine: ApiEngine, options: ServeOptions) {
    this.#engine = engine;
    this.#options = options;
    this.#headers = commonHeaders(options.version ?? engine.system.version().Version ?? "");
    this.#http.on("connection", (socket: Duplex) => this.#track(socket));
    this.#http.on("request", (request: IncomingMessage, response: ServerResponse) =>
      this.#take(new Exchange(this.#headers, request, request.socket, response)),
    );
    this.#http.on("upgrade", (request: IncomingMessage, socket: Duplex, early: Buffer) => {
      if (early.length > 0) socket.unshift(early);
      this.#take(new Exchange(this.#headers, request, socket));
    });
    this.#http.on("clientError", (_error, socket: Duplex) => refuse(socket));
  }

  get connections(): number {
    return this.#sockets.size;
  }

  listen(): Promise<void> {
    return listen(this.#http, this.#options.socketPath, this.#options.group);
  }

  /** Stops listening and ends streams; requests that have no answer yet get `graceMs` to get one. */
  async close({ graceMs = 5_000 }: { graceMs?: number } = {}): Promise<void> {
    for (const exchange of this.#exchanges) exchange.finishSoon();
    await closeSocket(this.#http, this.#sockets, this.#options.socketPath, graceMs);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #take(exchange: Exchange): void {
    this.#exchanges.add(exchange);
    const done = answer(this.#engine, exchange, this.#options.log ?? silent);
    void done.finally(() => this.#exchanges.delete(exchange));
  }

  #track(socket: Duplex): void {
    this.#sockets.add(socket);
    this.#options.visits?.came();
    socket.once("close", () => {
      this.#sockets.delete(socket);
      this.#options.visits?.went();
    });
  }
}

function refuse(socket: Duplex): void {
  if (socket.writable) socket.end(BAD_REQUEST);
  else socket.destroy();
}

function commonHeaders(version: string): Headers {
  return {
    "Api-Version": API_VERSION,
    "Docker-Experimental": "false",
    Ostype: "linux",
    Server: `Berth/${version} (linux)`,
  };
}
