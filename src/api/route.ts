/** Routes as data: what is served, which parameters it knows, and how a request finds its handler. */
import { BerthError } from "../lib/error.ts";
import { clientTooNew, clientTooOld, PAGE_NOT_FOUND } from "../wire/messages.ts";
import { API_VERSION, compareVersions, MIN_API_VERSION } from "../wire/versions.ts";
import type { Call } from "./call.ts";
import type { Reply } from "./reply.ts";

export type Method = "GET" | "HEAD" | "POST" | "PUT" | "DELETE";
export type Handler = (call: Call) => Reply | Promise<Reply>;

export interface Route {
  readonly method: Method;
  /** `{id}` is one segment of the path, `{name}` may have slashes in it. */
  readonly path: string;
  /** The query parameters that the handler reads. */
  readonly query: readonly string[];
  /** Those of docker's that berth knows and does not do: refused by name unless they ask for nothing. */
  readonly refused: readonly string[];
  readonly since: string;
  readonly handler: Handler;
}

interface Options {
  readonly query?: readonly string[];
  readonly refused?: readonly string[];
  readonly since?: string;
}

export function route(method: Method, path: string, handler: Handler, options: Options = {}): Route {
  const { query = [], refused = [], since = MIN_API_VERSION } = options;
  return { method, path, handler, query, refused, since };
}

export interface Match {
  readonly route: Route;
  readonly version: string;
  readonly parameters: Readonly<Record<string, string>>;
}

/** Finds routes; compiled once, since every request passes here. */
export class Router {
  readonly #compiled = new Map<string, { route: Route; pattern: RegExp }[]>();

  constructor(routes: readonly Route[]) {
    for (const each of routes) {
      const list = this.#compiled.getOrInsertComputed(each.method, () => []);
      list.push({ route: each, pattern: compile(each.path) });
    }
  }

  /** Throws what docker answers for a path it does not have, or a version it does not speak. */
  match(method: string, rawPath: string): Match {
    const { version, path } = splitVersion(decodePath(rawPath));
    for (const { route: found, pattern } of this.#compiled.get(method) ?? []) {
      const groups = pattern.exec(path);
      if (groups === null) continue;
      requireVersion(version, found.since);
      return { route: found, version, parameters: { ...groups.groups } };
    }
    throw new BerthError("not_found", PAGE_NOT_FOUND);
  }
}

function compile(path: string): RegExp {
  const source = path
    .replace(/[.]/g, "\\.")
    .replace("{name}", "(?<name>.+)")
    .replace(/\{(\w+)\}/g, "(?<$1>[^/]+)");
  return new RegExp(`^${source}$`);
}

/** Doubled slashes count as one: docker-py asks for `/containers//name/json`. */
function decodePath(path: string): string {
  try {
    return decodeURIComponent(path).replace(/\/{2,}/g, "/");
  } catch (error) {
    throw new BerthError("invalid", `invalid path ${JSON.stringify(path)}`, { cause: error });
  }
}

function splitVersion(path: string): { version: string; path: string } {
  const [, version, rest] = /^\/v([0-9]+\.[0-9]+)(\/.*)$/.exec(path) ?? [];
  return version === undefined || rest === undefined
    ? { version: API_VERSION, path }
    : { version, path: rest };
}

function requireVersion(version: string, since: string): void {
  if (compareVersions(version, MIN_API_VERSION) < 0)
    throw new BerthError("invalid", clientTooOld(version, MIN_API_VERSION));
  if (compareVersions(version, API_VERSION) > 0)
    throw new BerthError("invalid", clientTooNew(version, API_VERSION));
  if (compareVersions(version, since) < 0) throw new BerthError("not_found", PAGE_NOT_FOUND);
}
