/** What a command is, and what it is given when it is called. */
import type { Client } from "../client/client.ts";
import type { Flag, Flags } from "./flags.ts";
import type { Environment, PlaceFlags } from "./places.ts";

export interface Command {
  /** What follows the name in `Usage:`; the first line only when there are two forms. */
  readonly usage: string;
  /** Other forms of the usage line, whole but for the program's name. */
  readonly otherUsage?: readonly string[];
  /** More than the summary, for the help. */
  readonly description?: string;
  readonly args: Arity;
  readonly flags: readonly Flag[];
  /** Flags end at the first argument. */
  readonly stopAtArgument?: boolean;
  /** What the shell completes for its arguments. */
  readonly completes?: Completion;
  /** Gives the exit code; nothing is 0. */
  run(call: Call): Promise<number | void>;
}

export type Completion = "containers" | "running" | "stopped" | "images" | "files" | readonly string[];

/** Least and most number of arguments; without `most` there is no limit. */
export interface Arity {
  readonly least: number;
  readonly most?: number;
}

export const NONE: Arity = { least: 0, most: 0 };
export const ANY: Arity = { least: 0 };
export const exactly = (count: number): Arity => ({ least: count, most: count });
export const atLeast = (count: number): Arity => ({ least: count });

export interface Call {
  readonly flags: Flags;
  readonly args: readonly string[];
  /** As it was typed: `container ls` or `ps`. */
  readonly name: string;
  /** What stood before the command about places, and the environment it counts with. */
  readonly placeFlags: PlaceFlags;
  readonly environment: Environment;
  readonly faces: Faces;
  /** Connected on first use; starts the engine when that is ours to do. */
  client(): Promise<Client>;
}

/** What main.ts can become beside a command line. */
export interface Faces {
  daemon(options: DaemonOptions): Promise<number>;
}

export interface DaemonOptions {
  readonly root: string;
  readonly run: string;
  readonly socket: string;
  readonly group: string | undefined;
  /** User namespace of containers that do not ask for one. */
  readonly userns: string | undefined;
  /** The configuration of the engine; absent: the default one, if it is there. */
  readonly configFile: string | undefined;
  /** Other runtimes by name. */
  readonly runtimes: Readonly<Record<string, { readonly path: string; readonly args: readonly string[] }>>;
  readonly defaultRuntime: string | undefined;
  readonly startedBy: "cli" | "user";
  /** A descriptor on which `ready` is written, and which is closed then. */
  readonly readyDescriptor: number | undefined;
}
