/** What a handler answers with: data, so that handlers stay pure and one place writes to the connection. */
import type { Attachment } from "../engine/engine.ts";
import { BerthError } from "../lib/error.ts";
import { ERROR_CODE_HEADER, messageOf, statusOf } from "./status.ts";

export type Headers = Readonly<Record<string, string>>;
export type Chunk = Uint8Array | string;

export type Reply = EmptyReply | JsonReply | TextReply | StreamReply | HijackReply | WebSocketReply;

export interface EmptyReply {
  readonly kind: "empty";
  readonly status: number;
  readonly headers?: Headers;
}

export interface JsonReply {
  readonly kind: "json";
  readonly status: number;
  readonly body: unknown;
  readonly headers?: Headers;
}

export interface TextReply {
  readonly kind: "text";
  readonly body: string;
  readonly headers?: Headers;
}

/** A body of unknown length. */
export interface StreamReply {
  readonly kind: "stream";
  readonly contentType: string;
  readonly source: AsyncIterable<Chunk>;
  /** `now`: the 200 goes out before the first chunk exists. `first`: a failure before it still gets its status. */
  readonly begin: "now" | "first";
  /** How a failure is told after the 200. Without it the body is cut off, which clients see as such. */
  readonly failed?: (message: string) => Chunk;
  readonly headers?: Headers;
}

/** The connection becomes the streams of a process. */
export interface HijackReply {
  readonly kind: "hijack";
  readonly attachment: Attachment;
  readonly contentType: string;
  readonly stdin: boolean;
}

/** Likewise in binary messages, both output streams as one. */
export interface WebSocketReply extends Omit<HijackReply, "kind" | "contentType"> {
  readonly kind: "websocket";
  /** The bytes that answer the handshake. */
  readonly head: string;
}

export function empty(status: number, headers?: Headers): EmptyReply {
  return { kind: "empty", status, ...(headers && { headers }) };
}

export function json(body: unknown, status = 200): JsonReply {
  return { kind: "json", status, body };
}

export function errorReply(error: unknown): Reply {
  const status = statusOf(error);
  const headers: Headers = error instanceof BerthError ? { [ERROR_CODE_HEADER]: error.code } : {};
  if (status === 304) return { kind: "empty", status, headers };
  return { kind: "json", status, body: { message: messageOf(error) }, headers };
}
