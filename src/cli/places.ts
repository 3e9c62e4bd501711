/** Which engine is meant: flags, then BERTH_HOST, DOCKER_HOST, BERTH_ROOT, BERTH_RUN, then the default places. */
import { BerthError } from "../lib/error.ts";
import { absolutePath } from "./path.ts";

/** Where the engine keeps things and listens. */
export interface Places {
  readonly root: string;
  readonly run: string;
  /** Path of the unix socket. */
  readonly socket: string;
  /** Somebody said which engine: the command line never starts one. */
  readonly explicit: boolean;
}

export interface PlaceFlags {
  readonly root?: string | undefined;
  readonly run?: string | undefined;
  readonly host?: string | undefined;
}

export type Environment = Readonly<Record<string, string | undefined>>;

export function resolvePlaces(flags: PlaceFlags, environment: Environment): Places {
  const root = absolutePath(flags.root || environment["BERTH_ROOT"] || "/var/lib/berth");
  const run = absolutePath(flags.run || environment["BERTH_RUN"] || "/run/berth");
  // A place named by hand outranks DOCKER_HOST, which other tools want set to something else.
  const placed = Boolean(flags.root || flags.run || environment["BERTH_ROOT"] || environment["BERTH_RUN"]);
  const host = flags.host || environment["BERTH_HOST"] || (placed ? "" : environment["DOCKER_HOST"]) || "";
  const socket = host === "" ? `${run}/berth.sock` : parseHost(host);
  return { root, run, socket, explicit: host !== "" };
}

/** The path in `unix:///path`; every other way to an engine is refused by its name. */
export function parseHost(host: string): string {
  const [scheme = "", path] = host.split("://");
  if (scheme === "unix" && path?.startsWith("/")) return path;
  if (path === undefined && host.startsWith("/")) return host;
  if (["tcp", "ssh", "npipe", "http", "https", "fd"].includes(scheme) && path !== undefined) {
    throw new BerthError(
      "unsupported",
      `host ${host}: ${scheme}:// is not supported yet, only unix:///path/to/berth.sock`,
    );
  }
  throw new BerthError("invalid", `unable to parse docker host \`${host}\`: use unix:///path/to/berth.sock`);
}
