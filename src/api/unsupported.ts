/** What Docker's API has and berth has not (yet): refused with the name of what is missing, never half done. */
import { BerthError } from "../lib/error.ts";
import { type Method, type Route, route } from "./route.ts";

const EVERY: readonly Method[] = ["GET", "HEAD", "POST", "PUT", "DELETE"];

/** Paths, or their beginnings when they end in a star; first match wins. */
const MISSING: readonly (readonly [what: string, ...paths: string[]])[] = [
  ["committing a container to an image", "/commit"],
  ["checkpoints", "/containers/{id}/checkpoints*"],
  ["building images", "/build*", "/session", "/grpc"],
  ["registries", "/auth", "/images/search", "/images/{name}/push", "/distribution/{name}/json"],
  ["disk usage", "/system/df"],
  ["volumes", "/volumes*"],
  ["networks of one's own", "/networks*"],
  ["plugins", "/plugins*"],
  ["swarm", "/swarm*", "/nodes*", "/services*", "/tasks*", "/secrets*", "/configs*"],
];

function refusing(what: string): () => never {
  return () => {
    throw new BerthError("unsupported", `berth does not support ${what} yet`);
  };
}

function routesFor(what: string, path: string): Route[] {
  const handler = refusing(what);
  const base = path.replace(/\*$/, "");
  const paths = path.endsWith("*") ? [base, `${base}/{name}`] : [base];
  return paths.flatMap((each) => EVERY.map((method) => route(method, each, handler)));
}

/** Stand last in the table: what is served comes before. */
export const unsupportedRoutes = MISSING.flatMap(([what, ...paths]) =>
  paths.flatMap((path) => routesFor(what, path)),
);
