/** Images. */
import { BerthError } from "../lib/error.ts";
import { tar } from "./archives.ts";
import type { Progress } from "../wire/progress.ts";
import type { ImagesPruneResponse } from "../wire/requests.ts";
import type { Call } from "./call.ts";
import { empty, json, type Reply } from "./reply.ts";
import { route } from "./route.ts";
import { progressReply } from "./streams.ts";

async function list(call: Call): Promise<Reply> {
  const { query } = call;
  const options = { all: query.flag("all"), filters: query.filters(), digests: query.flag("digests") };
  const images = await call.engine.images.list(options);
  return json(call.since("1.44") ? images : images.map(withVirtualSize));
}

/** Clients older than 1.44 read the size from here. */
function withVirtualSize<T extends { Size?: number | null }>(image: T): T & { VirtualSize: number } {
  return { ...image, VirtualSize: image.Size ?? 0 };
}

/** Pulls `fromImage`, or imports `fromSrc`. */
function create(call: Call): Reply {
  const { query, engine } = call;
  const image = query.text("fromImage");
  if (image !== undefined) return progressReply(engine.images.pull(withTag(image, query.text("tag"))));
  const source = query.text("fromSrc");
  if (source === "-") return importArchive(call);
  throw source === undefined
    ? new BerthError("invalid", "fromImage or fromSrc is wanted: the image to pull, or - to import the body")
    : new BerthError(
        "unsupported",
        `berth does not import from a URL (${source}) yet: download it, and import the file`,
      );
}

function importArchive({ query, engine, upload }: Call): Reply {
  return progressReply(
    engine.images.import(upload, {
      repo: query.text("repo"),
      tag: query.text("tag"),
      message: query.text("message"),
      changes: query.texts("changes"),
      platform: query.text("platform"),
    }),
  );
}

function withTag(image: string, tag: string | undefined): string {
  if (tag === undefined || image.includes("@")) return image;
  const name = image.replace(/:[^/:]*$/, "");
  return tag.includes(":") ? `${name}@${tag}` : `${name}:${tag}`;
}

/** The 200 goes out at once: an archive that is none is told in the stream, as docker does. */
function load({ engine, query, upload }: Call): Reply {
  const messages = engine.images.load(upload);
  return progressReply(query.flag("quiet", true) ? withoutBars(messages) : messages, "now");
}

async function* withoutBars(messages: AsyncIterable<Progress>): AsyncGenerator<Progress> {
  for await (const message of messages) if (message.progressDetail === undefined) yield message;
}

function save({ query, engine }: Call): Reply {
  return tar(engine.images.save(query.texts("names"), query.text("platform")));
}

function saveOne(call: Call): Reply {
  return tar(call.engine.images.save([call.parameter("name")], call.query.text("platform")));
}

async function inspect(call: Call): Promise<Reply> {
  const image = await call.engine.images.inspect(call.parameter("name"));
  return json(call.since("1.44") ? image : withVirtualSize(image));
}

async function history(call: Call): Promise<Reply> {
  return json(await call.engine.images.history(call.parameter("name")));
}

async function addTag(call: Call): Promise<Reply> {
  const { query } = call;
  await call.engine.images.tag(call.parameter("name"), query.text("repo") ?? "", query.text("tag"));
  return empty(201);
}

async function remove(call: Call): Promise<Reply> {
  const options = { force: call.query.flag("force"), prune: !call.query.flag("noprune") };
  return json(await call.engine.images.remove(call.parameter("name"), options));
}

async function prune(call: Call): Promise<Reply> {
  const { deleted, spaceReclaimed } = await call.engine.images.prune(call.query.filters());
  return json({
    ImagesDeleted: deleted,
    SpaceReclaimed: spaceReclaimed,
  } satisfies ImagesPruneResponse);
}

const CREATE = ["fromImage", "fromSrc", "repo", "tag", "message", "changes", "platform"];

export const imageRoutes = [
  route("GET", "/images/json", list, {
    query: ["all", "filters", "digests"],
    refused: ["shared-size", "manifests"],
  }),
  route("POST", "/images/create", create, { query: CREATE }),
  route("POST", "/images/load", load, { query: ["quiet"], refused: ["platform"] }),
  route("GET", "/images/get", save, { query: ["names", "platform"] }),
  route("POST", "/images/prune", prune, { query: ["filters"], since: "1.25" }),
  route("GET", "/images/{name}/get", saveOne, { query: ["platform"] }),
  route("GET", "/images/{name}/json", inspect, { query: [], refused: ["manifests", "platform"] }),
  route("GET", "/images/{name}/history", history, { refused: ["platform"] }),
  route("POST", "/images/{name}/tag", addTag, { query: ["repo", "tag"] }),
  route("DELETE", "/images/{name}", remove, { query: ["force", "noprune"], refused: ["platforms"] }),
];
