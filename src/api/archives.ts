/** Files in and out of a container: `docker cp` and `docker export`. */
import type { PathStat } from "../wire/requests.ts";
import { PATH_STAT_HEADER } from "../wire/versions.ts";
import type { Call } from "./call.ts";
import { empty, type Headers, type Reply } from "./reply.ts";
import { route } from "./route.ts";

async function statPath(call: Call): Promise<Reply> {
  const stat = await call.engine.containers.statPath(call.parameter("id"), call.query.required("path"));
  return empty(200, statHeader(stat));
}

async function getArchive(call: Call): Promise<Reply> {
  const { stat, stream } = await call.engine.containers.getArchive(
    call.parameter("id"),
    call.query.required("path"),
  );
  return tar(stream, statHeader(stat));
}

async function putArchive(call: Call): Promise<Reply> {
  const { query } = call;
  const options = {
    noOverwriteDirNonDir: query.flag("noOverwriteDirNonDir"),
    copyUIDGID: query.flag("copyUIDGID"),
  };
  await call.engine.containers.putArchive(call.parameter("id"), query.required("path"), call.upload, options);
  return empty(200);
}

async function exportContainer(call: Call): Promise<Reply> {
  const stream = await call.engine.containers.export(call.parameter("id"));
  return { ...tar(stream), contentType: "application/octet-stream" };
}

/** An archive that fails half-way is cut off: its client sees that the end is missing. */
export function tar(source: AsyncIterable<Uint8Array>, headers: Headers = {}) {
  return { kind: "stream", contentType: "application/x-tar", source, begin: "first", headers } as const;
}

function statHeader(stat: PathStat): Headers {
  return { [PATH_STAT_HEADER]: Buffer.from(JSON.stringify(stat)).toString("base64") };
}

const PUT = ["path", "noOverwriteDirNonDir", "copyUIDGID"];

export const archiveRoutes = [
  route("HEAD", "/containers/{id}/archive", statPath, { query: ["path"] }),
  route("GET", "/containers/{id}/archive", getArchive, { query: ["path"] }),
  route("PUT", "/containers/{id}/archive", putArchive, { query: PUT }),
  route("GET", "/containers/{id}/export", exportContainer),
];
