/** What concerns the engine as a whole: version, info, events, shutdown, comparison with the kernel. */
import { readFileSync } from "node:fs";
import { BerthError } from "../lib/error.ts";
import { removeCgroup } from "../kernel/cgroups.ts";
import { parseTimestamp } from "../lib/time.ts";
import { BUILD, VERSION } from "../lib/version.ts";
import type { EngineEvent } from "../containers/events.ts";
import type { ExecTable } from "../containers/exec-table.ts";
import { hostName } from "../containers/facts.ts";
import type { Parts } from "../containers/parts.ts";
import { isRunning } from "../containers/state.ts";
import { stopContainer } from "../containers/stop.ts";
import { type Filters, NO_FILTERS } from "../wire/filters.ts";
import type { Finding } from "../wire/requests.ts";
import type { SystemInfo, SystemVersion } from "../wire/schema.ts";
import { API_VERSION, MIN_API_VERSION } from "../wire/versions.ts";
import { eventPredicate } from "./event-filter.ts";
import { fsck } from "./fsck.ts";
import { toInfo } from "./info.ts";

export type { EngineEvent } from "../containers/events.ts";

export interface EventOptions {
  /** Unix seconds, "1700000000" or "1700000000.123456789". */
  readonly since?: string | undefined;
  readonly until?: string | undefined;
  readonly filters: Filters;
}

export class System {
  readonly #parts: Parts;
  readonly #execs: ExecTable;
  readonly #stop: () => void;

  constructor(parts: Parts, execs: ExecTable, stop: () => void) {
    this.#parts = parts;
    this.#execs = execs;
    this.#stop = stop;
  }

  version(): SystemVersion {
    const { kernel, architecture } = this.#parts.features;
    const Arch = architecture === "x86_64" ? "amd64" : "arm64";
    const own = {
      ApiVersion: API_VERSION,
      Arch,
      GitCommit: BUILD,
      KernelVersion: kernel,
      MinAPIVersion: MIN_API_VERSION,
      Os: "linux",
    };
    return {
      Platform: { Name: "Berth" },
      Components: [{ Name: "Engine", Version: VERSION, Details: { ...own, Experimental: "false" } }],
      Version: VERSION,
      ...own,
      GoVersion: `bun ${Bun.version}`,
      Experimental: false,
    };
  }

  async info(): Promise<SystemInfo> {
    const { registry, images, places, features, events, usersDefault, runtimes } = this.#parts;
    const states = registry.all().map(({ state }) => state.status);
    const count = (...wanted: readonly string[]) => states.filter((status) => wanted.includes(status)).length;
    return toInfo({
      features,
      root: places.root,
      hostname: hostName(),
      operatingSystem: operatingSystem(),
      running: count("running"),
      paused: count("paused"),
      stopped: count("created", "exited", "removing"),
      images: images.list({ all: true, filters: NO_FILTERS }).length,
      listeners: events.listenerCount,
      runtimes: runtimes.list(),
      defaultRuntime: runtimes.defaultName,
      userns: usersDefault.kind !== "host",
    });
  }

  /** Past ones where `since` or `until` asks for them, then what happens, until aborted or `until`. Registered at once. */
  events(options: EventOptions, signal: AbortSignal): AsyncIterable<EngineEvent> {
    const wanted = eventPredicate(options.filters);
    const since = timeOf("since", options.since);
    const until = timeOf("until", options.until);
    const { events } = this.#parts;
    const past = since === undefined && until === undefined ? [] : [...events.recent];
    const deadline = until === undefined ? undefined : untilSignal(until, signal);
    const watched = events.watch(deadline ?? signal);
    const inTime = (event: EngineEvent) => {
      const time = BigInt(event.timeNano ?? 0);
      return (since === undefined || time >= since) && (until === undefined || time <= until);
    };
    return (async function* () {
      for (const event of past) if (inTime(event) && wanted(event)) yield event;
      for await (const event of watched) if (wanted(event)) yield event;
    })();
  }

  /** Asks for the end of the daemon. With `containers` everything that runs is stopped first, and the network taken down. */
  async shutdown({ containers }: { containers: boolean }): Promise<void> {
    if (containers) await this.#stopAll();
    this.#stop();
  }

  async #stopAll(): Promise<void> {
    const running = this.#parts.registry.all().filter(({ state }) => isRunning(state));
    await Promise.all(
      running.map((container) => stopContainer(this.#parts, container, {}).catch(ignoreNotRunning)),
    );
    await Promise.all(running.map(({ settled }) => settled));
    await this.#parts.networks.removeAll();
    await removeCgroup(this.#parts.features.cgroups, `/${this.#parts.instance}`);
  }

  async fsck(options: { repair: boolean }): Promise<Finding[]> {
    return fsck(this.#parts, this.#execs, options);
  }
}

/** It ended by itself meanwhile. */
function ignoreNotRunning(error: unknown): void {
  if (!(error instanceof BerthError) || (error.code !== "not_modified" && error.code !== "conflict"))
    throw error;
}

function timeOf(name: string, text: string | undefined): bigint | undefined {
  if (text === undefined || text === "") return undefined;
  const time = parseTimestamp(text);
  if (time === undefined)
    throw new BerthError("invalid", `invalid value for "${name}": "${text}" is no unix time`);
  return time;
}

function untilSignal(until: bigint, signal: AbortSignal): AbortSignal {
  const leftMs = Math.max(0, Number(until / 1_000_000n) - Date.now());
  return leftMs === 0
    ? AbortSignal.abort()
    : AbortSignal.any([signal, AbortSignal.timeout(Math.min(leftMs, 2 ** 31 - 1))]);
}

/** `PRETTY_NAME` of os-release(5). */
function operatingSystem(): string {
  try {
    const text = readFileSync("/etc/os-release", "utf8");
    return /^PRETTY_NAME="?([^"\n]*)"?$/m.exec(text)?.[1] ?? "Linux";
  } catch {
    return "Linux";
  }
}
