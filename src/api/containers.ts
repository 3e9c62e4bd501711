/** Containers, as far as question and answer are plain JSON. */
import type { ContainerCreateRequest, ContainerUpdateRequest } from "../wire/requests.ts";
import { BerthError } from "../lib/error.ts";
import type { Call } from "./call.ts";
import { toCurrent } from "./compat.ts";
import { empty, json, type Reply } from "./reply.ts";
import { route } from "./route.ts";
import { CONTAINER_CREATE, CONTAINER_UPDATE } from "./shapes.ts";
import { jsonLinesOf } from "./streams.ts";

async function list({ engine, query }: Call): Promise<Reply> {
  const limit = query.integer("limit");
  const options = { all: query.flag("all"), size: query.flag("size"), filters: query.filters() };
  return json(await engine.containers.list(limit === undefined ? options : { ...options, limit }));
}

async function create(call: Call): Promise<Reply> {
  const { engine, query } = call;
  const request = toCurrent(await createRequest(call), call);
  const platform = call.since("1.41") ? query.text("platform") : undefined;
  return json(await engine.containers.create(query.text("name"), request, platform), 201);
}

/** The body of a create request, which `POST /berth/explain` takes too. */
export async function createRequest(call: Call): Promise<ContainerCreateRequest> {
  const request = await call.json<ContainerCreateRequest>(CONTAINER_CREATE);
  if (request !== undefined) return request;
  throw new BerthError("invalid", "invalid JSON: got EOF while reading request body");
}

async function inspect(call: Call): Promise<Reply> {
  return json(await call.engine.containers.inspect(call.parameter("id"), { size: call.query.flag("size") }));
}

/** Old clients sent a host config along; docker refuses that since 1.24. */
async function start(call: Call): Promise<Reply> {
  if (Number(call.request.headers["content-length"] ?? 0) > 7)
    throw new BerthError(
      "invalid",
      "starting container with non-empty request body was deprecated since API v1.22 and removed in v1.24",
    );
  const detachKeys = call.query.text("detachKeys");
  await call.engine.containers.start(call.parameter("id"), detachKeys === undefined ? {} : { detachKeys });
  return empty(204);
}

async function stop(call: Call): Promise<Reply> {
  await call.engine.containers.stop(call.parameter("id"), stopOptions(call));
  return empty(204);
}

async function restart(call: Call): Promise<Reply> {
  await call.engine.containers.restart(call.parameter("id"), stopOptions(call));
  return empty(204);
}

function stopOptions(call: Call) {
  const signal = call.since("1.42") ? call.query.text("signal") : undefined;
  return { signal, timeoutSeconds: call.query.integer("t") };
}

async function kill(call: Call): Promise<Reply> {
  await call.engine.containers.kill(call.parameter("id"), call.query.text("signal"));
  return empty(204);
}

async function pause(call: Call): Promise<Reply> {
  await call.engine.containers.pause(call.parameter("id"));
  return empty(204);
}

async function unpause(call: Call): Promise<Reply> {
  await call.engine.containers.unpause(call.parameter("id"));
  return empty(204);
}

async function rename(call: Call): Promise<Reply> {
  await call.engine.containers.rename(call.parameter("id"), call.query.text("name") ?? "");
  return empty(204);
}

async function remove(call: Call): Promise<Reply> {
  const options = { force: call.query.flag("force"), volumes: call.query.flag("v") };
  await call.engine.containers.remove(call.parameter("id"), options);
  return empty(204);
}

async function top(call: Call): Promise<Reply> {
  return json(await call.engine.containers.top(call.parameter("id"), call.query.text("ps_args")));
}

async function update(call: Call): Promise<Reply> {
  const request = (await call.json<ContainerUpdateRequest>(CONTAINER_UPDATE)) ?? {};
  return json(await call.engine.containers.update(call.parameter("id"), request));
}

function stats(call: Call): Reply {
  const { engine, query, signal } = call;
  const options = { stream: query.flag("stream", true), oneShot: query.flag("one-shot") };
  const source = jsonLinesOf(engine.containers.stats(call.parameter("id"), options, signal));
  return { kind: "stream", contentType: "application/json", source, begin: "first" };
}

async function changes(call: Call): Promise<Reply> {
  return json(await call.engine.containers.changes(call.parameter("id")));
}

async function resize(call: Call): Promise<Reply> {
  const height = call.query.terminalSize("h", "height");
  const width = call.query.terminalSize("w", "width");
  await call.engine.containers.resize(call.parameter("id"), height, width);
  return empty(200);
}

async function prune(call: Call): Promise<Reply> {
  return json(await call.engine.containers.prune(call.query.filters()));
}

export const containerRoutes = [
  route("GET", "/containers/json", list, { query: ["all", "limit", "size", "filters"] }),
  route("POST", "/containers/create", create, { query: ["name", "platform"] }),
  route("POST", "/containers/prune", prune, { query: ["filters"], since: "1.25" }),
  route("GET", "/containers/{id}/json", inspect, { query: ["size"] }),
  route("POST", "/containers/{id}/start", start, {
    query: ["detachKeys"],
    refused: ["checkpoint", "checkpoint-dir"],
  }),
  route("POST", "/containers/{id}/stop", stop, { query: ["signal", "t"] }),
  route("POST", "/containers/{id}/restart", restart, { query: ["signal", "t"] }),
  route("POST", "/containers/{id}/kill", kill, { query: ["signal"] }),
  route("POST", "/containers/{id}/pause", pause),
  route("POST", "/containers/{id}/unpause", unpause),
  route("POST", "/containers/{id}/rename", rename, { query: ["name"] }),
  route("POST", "/containers/{id}/resize", resize, { query: ["h", "w"] }),
  route("POST", "/containers/{id}/update", update),
  route("GET", "/containers/{id}/stats", stats, { query: ["stream", "one-shot"] }),
  route("GET", "/containers/{id}/top", top, { query: ["ps_args"] }),
  route("GET", "/containers/{id}/changes", changes),
  route("DELETE", "/containers/{id}", remove, { query: ["v", "force"], refused: ["link"] }),
];
