/** What concerns the engine as a whole: version, info, events, shutdown, comparison with the kernel. */
import { BerthError } from "../lib/error.ts";
import type { EventMessage, SystemInfo, SystemVersion } from "../wire/schema.ts";
import type { Filters } from "../containers/requests.ts";

/** Something that exists without an owner, or an owner whose thing is gone. */
export interface Finding {
  readonly kind: string;
  readonly id: string;
  readonly what: string;
  readonly repaired: boolean;
}

export interface EventOptions {
  /** Unix seconds, "1700000000" or "1700000000.123456789". */
  readonly since?: string | undefined;
  readonly until?: string | undefined;
  readonly filters: Filters;
}

/** An event as old clients read it too. */
export type EngineEvent = EventMessage & { status?: string; id?: string; from?: string };

function soon(..._: readonly unknown[]): never {
  throw new BerthError("internal", "not built yet");
}

export class System {
  version = (): SystemVersion => soon();
  info = (): Promise<SystemInfo> => soon();
  events = (options: EventOptions, signal: AbortSignal): AsyncIterable<EngineEvent> => soon(options, signal);
  shutdown = (options: { containers: boolean }): Promise<void> => soon(options);
  fsck = (options: { repair: boolean }): Promise<Finding[]> => soon(options);
}
