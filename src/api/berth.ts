/** What berth's own command line asks and Docker's API has no word for. */
import type { ExplainFormat } from "../engine/engine.ts";
import { BerthError } from "../lib/error.ts";
import type { Call } from "./call.ts";
import { createRequest } from "./containers.ts";
import { execConfig } from "./execs.ts";
import { empty, json, type Reply } from "./reply.ts";
import { route } from "./route.ts";
import { progressReply } from "./streams.ts";

const FORMATS: readonly string[] = ["table", "json", "sh"] satisfies ExplainFormat[];

function bootstrap({ engine, query }: Call): Reply {
  const options = {
    suite: query.text("suite"),
    include: query.text("include"),
    name: query.text("name"),
  };
  return progressReply(engine.images.bootstrap(query.required("kind"), options));
}

async function explain(call: Call): Promise<Reply> {
  const request = await createRequest(call);
  return { kind: "text", body: await call.engine.containers.explain(request, format(call)) };
}

async function explainExec(call: Call): Promise<Reply> {
  const container = call.query.required("container");
  const config = await execConfig(call);
  return { kind: "text", body: await call.engine.execs.explain(container, config, format(call)) };
}

function format({ query }: Call): ExplainFormat {
  const given = query.text("format") ?? "table";
  if (FORMATS.includes(given)) return given as ExplainFormat;
  throw new BerthError("invalid", `unknown format ${JSON.stringify(given)}: table, json and sh exist`);
}

async function shutdown({ engine, query }: Call): Promise<Reply> {
  await engine.system.shutdown({ containers: query.flag("containers") });
  return empty(204);
}

async function fsck({ engine, query }: Call): Promise<Reply> {
  return json(await engine.system.fsck({ repair: query.flag("repair") }));
}

export const berthRoutes = [
  route("POST", "/berth/images/bootstrap", bootstrap, { query: ["kind", "suite", "include", "name"] }),
  route("POST", "/berth/explain", explain, { query: ["format"] }),
  route("POST", "/berth/exec/explain", explainExec, { query: ["container", "format"] }),
  route("POST", "/berth/shutdown", shutdown, { query: ["containers"] }),
  route("POST", "/berth/fsck", fsck, { query: ["repair"] }),
];
