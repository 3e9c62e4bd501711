/** What callers of containers and execs hand in and get back, beside Docker's own types in wire/. */
import type { Filters } from "../wire/filters.ts";

export interface ListOptions {
  readonly all: boolean;
  readonly limit?: number;
  readonly size: boolean;
  readonly filters: Filters;
}

export interface StopOptions {
  readonly signal?: string | undefined;
  /** Negative: wait for ever. */
  readonly timeoutSeconds?: number | undefined;
}

export interface LogOptions {
  readonly stdout: boolean;
  readonly stderr: boolean;
  readonly follow: boolean;
  /** Unix seconds, as docker sends them: "1700000000.123456789". */
  readonly since?: string | undefined;
  readonly until?: string | undefined;
  readonly timestamps: boolean;
  /** "all", or a number of lines. */
  readonly tail?: string | undefined;
}

export interface StatsOptions {
  /** One answer each second. */
  readonly stream: boolean;
  /** Of a single answer: do not look twice, and say nothing of the time between. */
  readonly oneShot: boolean;
}

export interface LogStream {
  readonly tty: boolean;
  readonly stream: AsyncIterable<Uint8Array>;
}

export interface AttachOptions {
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  readonly stream: boolean;
  readonly logs: boolean;
  /** On a terminal, typing these ends the attachment and leaves the container alone; "ctrl-p,ctrl-q" when not named. */
  readonly detachKeys?: string | undefined;
}

/** Both directions of a process. `output` has docker's stream frames, or raw bytes for a tty, and ends with the process. */
export interface Attachment {
  readonly tty: boolean;
  readonly output: AsyncIterable<Uint8Array>;
  write(bytes: Uint8Array): Promise<void>;
  closeInput(): void;
  close(): void;
}

export interface PutArchiveOptions {
  readonly noOverwriteDirNonDir: boolean;
  readonly copyUIDGID: boolean;
}

/** The forms of a launch plan. */
export type ExplainFormat = "table" | "json" | "sh";
