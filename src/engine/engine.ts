/** The engine: everything put together. Also the library door: `await using engine = await Engine.open({…})`. */
import { mkdirSync } from "node:fs";
import { resolve } from "node:path";
import { Containers } from "../containers/containers.ts";
import { Events } from "../containers/events.ts";
import { Execs } from "../containers/execs.ts";
import { ExecTable } from "../containers/exec-table.ts";
import type { Parts } from "../containers/parts.ts";
import { Registry } from "../containers/registry.ts";
import { type RuntimePlace, Runtimes } from "../containers/runtimes.ts";
import { usedBy } from "../containers/used-by.ts";
import { parseUsersMode, UserRanges } from "../containers/user-ranges.ts";
import { openImages } from "../images/images.ts";
import { probeFeatures } from "../kernel/features.ts";
import { crashAfter } from "../lib/failpoint.ts";
import { type Log, silent } from "../lib/log.ts";
import { waitAtMost } from "../lib/patience.ts";
import { openNetworks } from "../networks/networks.ts";
import { openStore } from "../store/store.ts";
import { readConfig } from "./config.ts";
import { fsck } from "./fsck.ts";
import { EngineImages } from "./images.ts";
import { adoptContainers, adoptExecs } from "./recover.ts";
import { System } from "./system.ts";

export type * from "../containers/requests.ts";
export type { EngineEvent, EventOptions } from "./system.ts";

export interface EngineOptions {
  /** Durable; `/var/lib/berth` when not named. */
  readonly root?: string | undefined;
  /** On a tmpfs; `/run/berth` when not named. */
  readonly run?: string | undefined;
  /** The user namespace of containers that do not ask: `auto`, `private`, or `host`, which is also the default. */
  readonly userns?: string | undefined;
  /** The configuration; `/etc/berth/daemon.json`, if it is there, when not named. */
  readonly configFile?: string | undefined;
  /** Besides those of the configuration. */
  readonly runtimes?: Readonly<Record<string, RuntimePlace>> | undefined;
  /** The runtime of containers that do not ask; berth's own when not named. */
  readonly defaultRuntime?: string | undefined;
  readonly log?: Log | undefined;
  /** For the crash tests: the process kills itself at the n-th step that changes something outside of it. */
  readonly crashAfter?: number | undefined;
}

const DEFAULT_ROOT = "/var/lib/berth";
const DEFAULT_RUN = "/run/berth";
/** What is being deleted gets this time of an engine that ends, for the next one waits; which deletes the rest. */
const GRACE_MS = 5_000;

export class Engine implements AsyncDisposable {
  readonly images: EngineImages;
  readonly containers: Containers;
  readonly execs: Execs;
  readonly system: System;
  /** Resolves when shutdown() was asked for: the daemon then stops serving and closes. */
  readonly stopping: Promise<void>;
  readonly #resources: AsyncDisposableStack;

  private constructor(parts: Parts, execTable: ExecTable, execs: Execs, resources: AsyncDisposableStack) {
    const { promise, resolve: stop } = Promise.withResolvers<void>();
    this.images = new EngineImages(parts);
    this.containers = new Containers(parts, execTable);
    this.execs = execs;
    this.system = new System(parts, execTable, stop);
    this.stopping = promise;
    this.#resources = resources;
  }

  /** Takes the root, adopts what runs, removes what has no owner. `conflict` when another engine holds the root. */
  static async open(options: EngineOptions = {}): Promise<Engine> {
    await using resources = new AsyncDisposableStack();
    const parts = await openParts(options, resources);
    const execTable = new ExecTable(parts.places);
    const execs = new Execs(parts, execTable);
    await adoptContainers(parts);
    await adoptExecs(parts, execs, execTable);
    for (const { kind, id, what, repaired } of await fsck(parts, execTable, { repair: true }))
      parts.log("info", repaired ? "recovered" : "not recovered", { kind, id, what });
    parts.images.release(usedBy(parts.registry));
    crashAfter(options.crashAfter ?? 0);
    return new Engine(parts, execTable, execs, resources.move());
  }

  /** Lets go of everything without touching a running container. */
  async close(): Promise<void> {
    await this.#resources.disposeAsync();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

async function openParts(options: EngineOptions, resources: AsyncDisposableStack): Promise<Parts> {
  const root = resolve(options.root ?? DEFAULT_ROOT);
  const run = resolve(options.run ?? DEFAULT_RUN);
  const features = probeFeatures();
  const config = readConfig({ ...options, file: options.configFile });
  const store = resources.use(await openStore(root));
  const images = resources.adopt(await openImages(store), (opened) => waitAtMost(GRACE_MS, opened.close()));
  const networks = resources.use(await openNetworks({ store, instance: store.instance }));
  for (const directory of [`${root}/containers`, `${run}/c`])
    mkdirSync(directory, { recursive: true, mode: 0o700 });
  const runtimes = new Runtimes({
    instance: store.instance,
    features,
    stateDirectory: `${run}/r`,
    places: config.runtimes,
    defaultName: config.defaultRuntime,
  });
  const registry = new Registry(store);
  resources.defer(() => waitAtMost(GRACE_MS, registry.removed())); // no rm is at work behind our end, unless it is a long one
  const closing = new AbortController();
  resources.defer(() => {
    closing.abort();
    runtimes.close();
  });
  const idMaps = registry.all().flatMap(({ spec }) => (spec.idMap === undefined ? [] : [spec.idMap]));
  return {
    places: { root, run },
    instance: store.instance,
    registry,
    users: new UserRanges({ root, store }, idMaps),
    usersDefault: parseUsersMode(options.userns) ?? { kind: "host" },
    images,
    networks,
    runtimes,
    features,
    events: new Events(),
    log: options.log ?? silent,
    closing: closing.signal,
  };
}
