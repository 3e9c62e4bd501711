/** One request and where its answer goes. */
import { type IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import type { Headers } from "./reply.ts";

export class Exchange {
  /** What every answer carries. */
  readonly headers: Headers;
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  /** The parser has let go of the socket: its bytes are ours to read. */
  readonly upgraded: boolean;
  #response: ServerResponse | undefined;
  #begun = false;

  constructor(headers: Headers, request: IncomingMessage, socket: Duplex, response?: ServerResponse) {
    this.headers = headers;
    this.request = request;
    this.socket = socket;
    this.upgraded = response === undefined;
    this.#response = response;
  }

  /** Made when it is wanted where the request asked for an upgrade, and the answer is an ordinary one after all. */
  get response(): ServerResponse {
    this.#response ??= responseOn(this.request, this.socket);
    return this.#response;
  }

  /** Whether it is too late to answer with an error. */
  get begun(): boolean {
    return this.#begun || this.#response?.headersSent === true;
  }

  /** Emits `close` when the exchange is over, however it ended. */
  get connection(): Duplex | ServerResponse {
    return this.upgraded ? this.socket : this.response;
  }

  /** The server ends: a stream is cut, an answer that is still to come is the last on its connection. */
  finishSoon(): void {
    if (this.begun) this.socket.destroy();
    else if (this.#response !== undefined) this.#response.shouldKeepAlive = false;
  }

  /** Takes the bare connection; nothing may be sent as HTTP any more. */
  hijack(head: string): Duplex {
    this.#begun = true;
    this.socket.write(head);
    return this.socket;
  }
}

/**
 * An ordinary answer on a connection that was to be upgraded. It ends the connection without announcing it: docker's
 * client 20.10 takes an answer with `Connection: close` for the upgraded stream (client/hijack.go, ErrPersistEOF).
 */
function responseOn(request: IncomingMessage, socket: Duplex): ServerResponse {
  const response = new ServerResponse(request);
  response.assignSocket(socket as Parameters<ServerResponse["assignSocket"]>[0]);
  response.once("finish", () => socket.end());
  return response;
}
