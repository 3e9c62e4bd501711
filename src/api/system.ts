/** The engine as a whole: ping, version, info, events. */
import type { Call } from "./call.ts";
import { empty, json, type Reply } from "./reply.ts";
import { route } from "./route.ts";
import { jsonLinesOf } from "./streams.ts";

/** Ping must never be cached, and names no builder: there is none yet. */
const PING = {
  "Cache-Control": "no-cache, no-store, must-revalidate",
  Pragma: "no-cache",
  Swarm: "inactive",
};

function ping(): Reply {
  return { kind: "text", body: "OK", headers: PING };
}

function version({ engine }: Call): Reply {
  return json(engine.system.version());
}

async function info({ engine }: Call): Promise<Reply> {
  return json(await engine.system.info());
}

function events(call: Call): Reply {
  const { query, engine, signal } = call;
  const options = { since: query.text("since"), until: query.text("until"), filters: query.filters() };
  const source = jsonLinesOf(engine.system.events(options, signal));
  return { kind: "stream", contentType: "application/json", source, begin: "now" };
}

/** Logging in is a matter of registries, which berth does not talk to yet. */
export const systemRoutes = [
  route("GET", "/_ping", ping),
  route("HEAD", "/_ping", () => empty(200, { "Content-Type": "text/plain; charset=utf-8", ...PING })),
  route("GET", "/version", version),
  route("GET", "/info", info),
  route("GET", "/events", events, { query: ["since", "until", "filters"] }),
];
