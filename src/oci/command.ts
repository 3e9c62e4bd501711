/** What a command of the runtime's command line is, and what it is given. */
import type { Features } from "../kernel/features.ts";
import type { Caller } from "./caller.ts";
import type { Flag, Flags } from "./flags.ts";
import type { Log } from "./log.ts";

/** What stood before the command. */
export interface Surroundings {
  /** Where the states of containers are kept. */
  readonly root: string;
  readonly log: Log;
  readonly caller: Caller;
  /** What the caller has: a process that we make for it can have no more. */
  readonly features: Features;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** All words as they came, for what replaces this process. */
  readonly words: readonly string[];
}

export interface Call extends Surroundings {
  readonly flags: Flags;
  readonly args: readonly string[];
}

export interface Command {
  readonly flags: readonly Flag[];
  /** What stands behind the flags, for people. */
  readonly usage: string;
  readonly help: string;
  /** How many arguments it takes. */
  readonly least: number;
  readonly most?: number;
  /** Stands before the reason of a failure. */
  readonly failure?: string;
  /** Where it fails; absent: 1. */
  readonly failureCode?: number;
  /** The exit code; absent: 0. */
  run(call: Call): Promise<number | void> | number | void;
}
