/** Docker's REST API on a unix socket. */
import {
  createServer,
  type IncomingMessage,
  type Server as HttpServer,
  type ServerResponse,
} from "node:http";
import type { Duplex } from "node:stream";
import type { Engine } from "../engine/engine.ts";
import { type Log, silent } from "../lib/log.ts";
import { API_VERSION } from "../wire/versions.ts";
import { dispatch } from "./dispatch.ts";
import type { ApiEngine } from "./engine.ts";
import { Exchange } from "./exchange.ts";
import { errorReply, type Headers } from "./reply.ts";
import { send } from "./send.ts";
import { closeSocket, listen } from "./socket.ts";
import { statusOf } from "./status.ts";

export interface ServeOptions {
  readonly socketPath: string;
  /** The group that may use the socket beside its owner. */
  readonly group?: string | undefined;
  /** The version of berth, for the Server header. */
  readonly version?: string | undefined;
  /** Called when the last connection is gone. */
  readonly onIdle?: (() => void) | undefined;
  readonly log?: Log | undefined;
}

export interface Server extends AsyncDisposable {
  readonly connections: number;
  /** Stops listening, lets answers that are being given be finished for `graceMs`, then cuts what is left. */
  close(options?: { graceMs?: number }): Promise<void>;
}

const BAD_REQUEST =
  'HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n{"message":"this is not HTTP"}\n';

/** Throws `conflict` when another engine listens there; a socket that nobody listens on any more is replaced. */
export async function serve(engine: Engine | ApiEngine, options: ServeOptions): Promise<Server> {
  const { socketPath, version = "0", log = silent } = options;
  const api = engine as ApiEngine;
  const headers = commonHeaders(version);
  const http = createServer({ keepAliveTimeout: 0 });
  const sockets = trackSockets(http, options.onIdle);
  http.on("request", (request: IncomingMessage, response: ServerResponse) => {
    void answer(api, new Exchange(headers, request, request.socket, response), log);
  });
  http.on("upgrade", (request: IncomingMessage, socket: Duplex, early: Buffer) => {
    if (early.length > 0) socket.unshift(early);
    void answer(api, new Exchange(headers, request, socket), log);
  });
  http.on("clientError", (_error, socket: Duplex) => {
    if (socket.writable) socket.end(BAD_REQUEST);
    else socket.destroy();
  });
  await listen(http, socketPath, options.group);
  const close = async ({ graceMs = 1_000 } = {}) => closeSocket(http, sockets, socketPath, graceMs);
  return {
    get connections() {
      return sockets.size;
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** Every failure ends here: nothing that a client sends may become an unhandled rejection. */
async function answer(engine: ApiEngine, exchange: Exchange, log: Log): Promise<void> {
  try {
    const reply = await dispatch(engine, exchange).catch((error: unknown) => {
      report(error, exchange, log);
      return errorReply(error);
    });
    await send(reply, exchange);
  } catch (error) {
    fail(error, exchange, log);
  }
}

/** An error while sending: told as such while it still can be, else the connection is cut. */
function fail(error: unknown, exchange: Exchange, log: Log): void {
  if (exchange.socket.destroyed) return;
  report(error, exchange, log);
  if (exchange.begun) return void exchange.socket.destroy();
  void send(errorReply(error), exchange);
}

function report(error: unknown, { request }: Exchange, log: Log): void {
  if (statusOf(error) !== 500) return;
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  log("error", "request failed", { method: request.method, url: request.url, error: text });
}

function commonHeaders(version: string): Headers {
  return {
    "Api-Version": API_VERSION,
    "Docker-Experimental": "false",
    Ostype: "linux",
    Server: `Berth/${version} (linux)`,
  };
}

function trackSockets(http: HttpServer, onIdle: (() => void) | undefined): Set<Duplex> {
  const sockets = new Set<Duplex>();
  http.on("connection", (socket: Duplex) => {
    sockets.add(socket);
    socket.once("close", () => {
      sockets.delete(socket);
      if (sockets.size === 0) onIdle?.();
    });
  });
  return sockets;
}
