/** Answers one request, whatever happens: nothing that a client sends may become an unhandled rejection. */
import type { Log } from "../lib/log.ts";
import { dispatch } from "./dispatch.ts";
import type { ApiEngine } from "./engine.ts";
import type { Exchange } from "./exchange.ts";
import { errorReply } from "./reply.ts";
import { send } from "./send.ts";
import { statusOf } from "./status.ts";

export async function answer(engine: ApiEngine, exchange: Exchange, log: Log): Promise<void> {
  try {
    const reply = await dispatch(engine, exchange);
    await send(reply, exchange);
  } catch (error) {
    fail(error, exchange, log);
  }
}

/** Told as an error while it still can be; else the connection is cut, so that half an answer does not look whole. */
function fail(error: unknown, exchange: Exchange, log: Log): void {
  if (exchange.socket.destroyed) return;
  report(error, exchange, log);
  if (exchange.begun) exchange.socket.destroy();
  else void send(errorReply(error), exchange);
}

function report(error: unknown, { request }: Exchange, log: Log): void {
  if (statusOf(error) !== 500) return;
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  log("error", "request failed", { method: request.method, url: request.url, error: text });
}
