/** From a request to its reply: guard, route, parameters, handler. */
import { BerthError } from "../lib/error.ts";
import { Call } from "./call.ts";
import type { ApiEngine } from "./engine.ts";
import type { Exchange } from "./exchange.ts";
import { requireTrustedCaller } from "./guard.ts";
import { Query } from "./query.ts";
import type { Reply } from "./reply.ts";
import { type Route, Router } from "./route.ts";
import { ROUTES } from "./routes.ts";

const router = new Router(ROUTES);

/** Throws what shall be told as an error. */
export async function dispatch(engine: ApiEngine, exchange: Exchange): Promise<Reply> {
  const { request, connection } = exchange;
  requireTrustedCaller(request.headers);
  const [path = "", ...search] = (request.url ?? "").split("?");
  const { route, version, parameters } = router.match(request.method ?? "", path);
  const query = new Query(search.join("?"), [...route.query, ...route.refused]);
  requireNoneRefused(route, query);
  return route.handler(new Call({ engine, request, version, query, parameters, connection }));
}

function requireNoneRefused(route: Route, query: Query): void {
  for (const name of route.refused) {
    if (query.flag(name))
      throw new BerthError("unsupported", `berth does not support the parameter ${name} yet`);
  }
}
