/** The engine: everything put together. Also the library door: `await using engine = await Engine.open({…})`. */
import { BerthError } from "../lib/error.ts";
import type { Log } from "../lib/log.ts";
import type { Containers } from "../containers/containers.ts";
import type { Execs } from "../containers/execs.ts";
import type { System } from "./system.ts";

export type * from "../containers/requests.ts";
export type { EngineEvent, EventOptions, Finding } from "./system.ts";

export interface EngineOptions {
  /** Durable; `/var/lib/berth` when not named. */
  readonly root?: string | undefined;
  /** On a tmpfs; `/run/berth` when not named. */
  readonly run?: string | undefined;
  readonly log?: Log | undefined;
  /** For the crash tests: the process kills itself at the n-th step that changes something outside of it. */
  readonly crashAfter?: number | undefined;
}

export class Engine implements AsyncDisposable {
  readonly containers: Containers;
  readonly execs: Execs;
  readonly system: System;
  /** Resolves when shutdown() was asked for: the daemon then stops serving and closes. */
  readonly stopping: Promise<void>;

  private constructor(parts: {
    containers: Containers;
    execs: Execs;
    system: System;
    stopping: Promise<void>;
  }) {
    this.containers = parts.containers;
    this.execs = parts.execs;
    this.system = parts.system;
    this.stopping = parts.stopping;
  }

  static async open(options: EngineOptions): Promise<Engine> {
    throw new BerthError("internal", `not built yet: ${options.root}`);
  }

  /** Lets go of everything without touching a running container. */
  async close(): Promise<void> {}

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
