/** What a container was asked to be: Docker's `Config` and `HostConfig` verbatim, and the image as it was at that time. */
import { BerthError } from "../lib/error.ts";
import type { IdMap } from "../lib/id-map.ts";
import type { ContainerConfig, HostConfig, ImageConfig } from "../wire/schema.ts";

/** Everything the engine does follows from this; what it uses is derived by the pure functions beside this file. */
export interface ContainerSpec {
  /** Merged with the image's. */
  readonly config: ContainerConfig;
  readonly hostConfig: HostConfig;
  readonly image: ResolvedImage;
  /** Of a user namespace of its own; without one its ids are the host's. */
  readonly idMap?: IdMap;
  /** A wished address in the container's network. */
  readonly endpoint?: { readonly ip?: string; readonly mac?: string };
}

/** The image of a container stays what it was, also when its names move on. */
export interface ResolvedImage {
  /** `sha256:…` of the configuration. */
  readonly id: string;
  /** Lower directories for the overlay, top first, relative to the layers' directory. */
  readonly layers: readonly string[];
  readonly platform: { readonly os: string; readonly architecture: string; readonly variant?: string };
}

/** The configuration of a container of `image`: the request wins, as in moby daemon/commit.go merge(). */
export function mergeConfig(asked: ContainerConfig, image: ImageConfig): ContainerConfig {
  const entrypoint = asked.Entrypoint?.length === 1 && asked.Entrypoint[0] === "" ? [] : asked.Entrypoint;
  const ownCommand = (asked.Entrypoint?.length ?? 0) > 0 || (asked.Cmd?.length ?? 0) > 0;
  const config: ContainerConfig = {
    ...asked,
    User: asked.User || image.User || "",
    ExposedPorts: { ...image.ExposedPorts, ...asked.ExposedPorts },
    Env: mergeEnvironment(asked.Env ?? [], image.Env ?? []),
    Labels: { ...image.Labels, ...asked.Labels },
    Cmd: ownCommand ? (asked.Cmd ?? null) : (image.Cmd ?? null),
    Entrypoint: asked.Entrypoint ? (entrypoint ?? null) : (image.Entrypoint ?? null),
    WorkingDir: asked.WorkingDir || image.WorkingDir || "",
    Volumes: { ...image.Volumes },
    StopSignal: asked.StopSignal || image.StopSignal || "",
    Shell: asked.Shell ?? image.Shell ?? null,
  };
  if (commandOf(config).length > 0) return config;
  throw new BerthError("invalid", "no command specified");
}

/** The request's variables, then those of the image that it does not name. */
function mergeEnvironment(asked: readonly string[], image: readonly string[]): string[] {
  const names = new Set(asked.map(variableName));
  return [...asked, ...image.filter((variable) => !names.has(variableName(variable)))];
}

export function variableName(variable: string): string {
  return variable.split("=", 1)[0] ?? "";
}

/** Program and arguments. */
export function commandOf(config: ContainerConfig): readonly string[] {
  return [...(config.Entrypoint ?? []), ...(config.Cmd ?? [])];
}

const SEARCH_PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** What the process finds in its environment. A variable without `=` takes the default of that name away. */
export function environmentOf(config: ContainerConfig, hostname: string): string[] {
  const terminal = config.Tty ? ["TERM=xterm"] : [];
  return overrideEnvironment([SEARCH_PATH, `HOSTNAME=${hostname}`, ...terminal], config.Env ?? []);
}

/** `overrides` replaces in place and appends; moby container/env.go ReplaceOrAppendEnvValues. */
export function overrideEnvironment(defaults: readonly string[], overrides: readonly string[]): string[] {
  const variables = new Map(defaults.map((variable) => [variableName(variable), variable]));
  for (const variable of overrides) {
    if (variable.includes("=")) variables.set(variableName(variable), variable);
    else variables.delete(variable);
  }
  return [...variables.values()];
}

/** Without what was not asked: null, empty, false, and zero where docker means "not set" by it. */
export function compact<T extends object>(value: T, keepZero: readonly string[] = []): T {
  const entries = Object.entries(value).filter(([name, field]) => keepZero.includes(name) || !isEmpty(field));
  return Object.fromEntries(entries) as T;
}

function isEmpty(value: unknown): boolean {
  if (value === null || value === undefined || value === "" || value === false || value === 0) return true;
  return typeof value === "object" && Object.keys(value).length === 0;
}
