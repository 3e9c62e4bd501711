/** Writes a reply to the connection it belongs to. */
import type { IncomingMessage } from "node:http";
import { mayHaveBody } from "./body.ts";
import type { Exchange } from "./exchange.ts";
import { copy } from "./flow.ts";
import { hijackHead, SocketPeer } from "./hijack.ts";
import { join } from "./join.ts";
import type { Chunk, Headers, HijackReply, Reply, StreamReply, WebSocketReply } from "./reply.ts";
import { messageOf } from "./status.ts";
import { holdBack, mergeOutput } from "./streams.ts";
import { WebSocketPeer } from "./websocket.ts";

const HOLD_MS = 30;

export function send(reply: Reply, exchange: Exchange): Promise<void> | void {
  switch (reply.kind) {
    case "empty":
      return sendBytes(exchange, reply.status, undefined, reply.headers);
    case "json":
      return sendBytes(exchange, reply.status, `${JSON.stringify(reply.body)}\n`, {
        "Content-Type": "application/json",
        ...reply.headers,
      });
    case "text":
      return sendBytes(exchange, 200, reply.body, {
        "Content-Type": "text/plain; charset=utf-8",
        ...reply.headers,
      });
    case "stream":
      return sendStream(reply, exchange);
    case "hijack":
      return hijack(reply, exchange);
    case "websocket":
      return webSocket(reply, exchange);
  }
}

function sendBytes(exchange: Exchange, status: number, text: string | undefined, headers?: Headers): void {
  const body = text === undefined ? undefined : Buffer.from(text);
  const length = status === 204 || status === 304 ? undefined : { "Content-Length": body?.length ?? 0 };
  exchange.response.writeHead(status, { ...exchange.headers, ...headers, ...length });
  exchange.response.end(body);
}

/** `first`: the status waits for the first chunk, so that a source which fails at once still is an error. */
async function sendStream(reply: StreamReply, { response, headers }: Exchange): Promise<void> {
  const iterator = reply.source[Symbol.asyncIterator]();
  const first = reply.begin === "first" ? await iterator.next() : undefined;
  response.writeHead(200, { ...headers, "Content-Type": reply.contentType, ...reply.headers });
  response.flushHeaders();
  try {
    await copy(resumed(first, iterator), response);
    response.end();
  } catch (error) {
    if (reply.failed === undefined) throw error;
    response.end(reply.failed(messageOf(error)));
  }
}

async function* resumed(
  first: IteratorResult<Chunk> | undefined,
  iterator: AsyncIterator<Chunk>,
): AsyncGenerator<Chunk> {
  try {
    for (let next = first ?? (await iterator.next()); next.done !== true; next = await iterator.next())
      yield next.value;
  } finally {
    await iterator.return?.();
  }
}

function hijack(reply: HijackReply, exchange: Exchange): Promise<void> {
  const { request, upgraded } = exchange;
  const socket = exchange.hijack(hijackHead(request, reply.contentType));
  const peer = upgraded ? new SocketPeer(socket) : new SocketPeer(socket, request);
  const stdin = reply.stdin && (upgraded || bodyIsInput(request));
  const { attachment } = reply;
  return join(peer, losesEarlyOutput(request) ? holdBack(attachment, HOLD_MS) : attachment, { stdin });
}

/**
 * docker-py reads the head through a buffer and then forgets the buffer (docker/api/client.py,
 * _get_raw_response_socket): output must not be there yet. Docker is slow enough for that, berth is not.
 */
function losesEarlyOutput({ headers }: IncomingMessage): boolean {
  return headers["user-agent"]?.startsWith("docker-sdk-python/") === true;
}

/** Without an upgrade only a body can be input. One of JSON is not: dockerode sends its options once more in it. */
function bodyIsInput(request: IncomingMessage): boolean {
  return mayHaveBody(request) && request.headers["content-type"]?.startsWith("application/json") !== true;
}

function webSocket(reply: WebSocketReply, exchange: Exchange): Promise<void> {
  const peer = new WebSocketPeer(exchange.hijack(reply.head));
  return join(peer, mergeOutput(reply.attachment), reply);
}
