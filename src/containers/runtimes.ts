/** The runtimes that a container may name: berth's own, and those of the configuration. */
import { readdirSync } from "node:fs";
import type { Features } from "../kernel/features.ts";
import { findProgram } from "../kernel/spawn.ts";
import { BerthError } from "../lib/error.ts";
import { openExternalRuntime } from "../runtime/external.ts";
import { openNamespacesRuntime } from "../runtime/namespaces.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { unknownRuntime } from "../wire/messages.ts";
import type { ContainerSpec } from "./spec.ts";

/** Where the program of a runtime is. A request can only choose among the names. */
export interface RuntimePlace {
  /** Absolute, or a name that is looked for among the host's programs. */
  readonly path: string;
  readonly args: readonly string[];
}

export interface RuntimesOptions {
  readonly instance: string;
  readonly features: Features;
  /** Below it each runtime keeps what it knows of its containers; on a tmpfs. */
  readonly stateDirectory: string;
  readonly places: Readonly<Record<string, RuntimePlace>>;
  /** Absent: berth's own. */
  readonly defaultName?: string | undefined;
}

export const OWN_RUNTIME = "berth";
/** What docker calls the engine's side of runc. */
const ALIASES: Readonly<Record<string, string>> = { "io.containerd.runc.v2": "runc" };
/** There without a configuration, where they are installed. */
const KNOWN = ["runc", "crun", "runsc"];

export class Runtimes {
  readonly #options: RuntimesOptions;
  readonly #own: Runtime;
  readonly #opened = new Map<string, Runtime>();
  readonly defaultName: string;

  constructor(options: RuntimesOptions) {
    this.#options = options;
    this.#own = openNamespacesRuntime(options);
    this.defaultName = options.defaultName ? this.#resolve(options.defaultName) : OWN_RUNTIME;
  }

  /** The name that a container keeps; what it is called today may have another default tomorrow. Throws docker's words for one that is none. */
  resolveName(asked: string | null | undefined): string {
    return asked ? this.#resolve(asked) : this.defaultName;
  }

  #resolve(asked: string): string {
    const name = Object.hasOwn(ALIASES, asked) ? (ALIASES[asked] ?? asked) : asked;
    if (name !== OWN_RUNTIME && this.#programOf(name) === undefined)
      throw new BerthError("invalid", unknownRuntime(asked));
    return name;
  }

  /** That of a container. One that the configuration no longer has leaves its processes to our own, which knows how to end them. */
  of({ hostConfig }: Pick<ContainerSpec, "hostConfig">): Runtime {
    return this.#open(hostConfig.Runtime ?? OWN_RUNTIME);
  }

  /** The one that keeps something of a container which nobody else knows any more. */
  keeping(id: string): Runtime {
    const keeps = (name: string) => namesIn(this.#stateOf(name)).some((kept) => kept.startsWith(id));
    return this.#open(namesIn(this.#options.stateDirectory).find(keeps) ?? OWN_RUNTIME);
  }

  /** As `info` shows them. */
  list(): Record<string, { path: string; runtimeArgs?: string[] }> {
    const names = new Set([...KNOWN, ...Object.keys(this.#options.places)]);
    const others = [...names].flatMap((name) => {
      const path = this.#programOf(name);
      const { args = [] } = this.#placeOf(name) ?? {};
      return path === undefined ? [] : [[name, { path, ...(args.length > 0 && { runtimeArgs: [...args] }) }]];
    });
    return { [OWN_RUNTIME]: { path: "" }, ...(Object.fromEntries(others) as object) };
  }

  /** Lets go of all processes; they go on. */
  close(): void {
    for (const runtime of [this.#own, ...this.#opened.values()]) runtime.close();
  }

  #open(name: string): Runtime {
    const path = name === OWN_RUNTIME ? undefined : this.#programOf(name);
    if (path === undefined) return this.#own;
    const known = this.#opened.get(name);
    if (known !== undefined) return known;
    const { instance, features } = this.#options;
    const { args = [] } = this.#placeOf(name) ?? {};
    const runtime = { name, path, args, stateDirectory: this.#stateOf(name) };
    const opened = openExternalRuntime({ instance, features, runtime });
    this.#opened.set(name, opened);
    return opened;
  }

  #placeOf(name: string): RuntimePlace | undefined {
    const { places } = this.#options;
    if (Object.hasOwn(places, name)) return places[name];
    return KNOWN.includes(name) ? { path: name, args: [] } : undefined;
  }

  #programOf(name: string): string | undefined {
    const place = this.#placeOf(name);
    return place && findProgram(place.path);
  }

  #stateOf(name: string): string {
    return `${this.#options.stateDirectory}/${name}`;
  }
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return []; // no such runtime has run yet
  }
}
