/** Where a container is in its life. A field exists only in the states where it means something. */
import { humanDuration } from "../lib/duration.ts";
import type { ContainerState as InspectState } from "../wire/schema.ts";
import { parseTime, ZERO_TIME } from "../lib/time.ts";

/** Times are RFC 3339 with nanoseconds. */
export type ContainerState =
  | { readonly status: "created"; readonly failure?: Failure }
  | (Process & { readonly status: "running" | "paused" })
  | (End & { readonly status: "exited" })
  | { readonly status: "removing" };

/** Why the last start came to nothing. */
export interface Failure {
  readonly exitCode: number;
  readonly error: string;
}

export interface Process {
  readonly pid: number;
  /** Field 22 of /proc/pid/stat, in decimal digits: with the pid it names one process for ever. */
  readonly startTime: string;
  readonly startedAt: string;
}

export interface End {
  readonly exitCode: number;
  readonly oomKilled: boolean;
  readonly startedAt: string;
  readonly finishedAt: string;
  readonly error: string;
}

export function isRunning(state: ContainerState): state is Process & { status: "running" | "paused" } {
  return state.status === "running" || state.status === "paused";
}

/** Docker's one-line status, as `ps` prints it. */
export function describeState(state: ContainerState, nowMs: number): string {
  switch (state.status) {
    case "created":
      return "Created";
    case "running":
      return `Up ${since(state.startedAt, nowMs)}`;
    case "paused":
      return `Up ${since(state.startedAt, nowMs)} (Paused)`;
    case "exited":
      return `Exited (${state.exitCode}) ${since(state.finishedAt, nowMs)} ago`;
    case "removing":
      return "Removal In Progress";
  }
}

function since(time: string, nowMs: number): string {
  const thenMs = Number((parseTime(time) ?? 0n) / 1_000_000n);
  return humanDuration(Math.max(0, nowMs - thenMs));
}

/** `State` of inspect, every field. */
export function toInspectState(state: ContainerState): InspectState {
  const none = { Restarting: false, OOMKilled: false, Dead: false, Pid: 0, ExitCode: 0, Error: "" };
  const never = { ...none, StartedAt: ZERO_TIME, FinishedAt: ZERO_TIME };
  const base = {
    Status: state.status,
    Running: isRunning(state),
    Paused: state.status === "paused",
    ...never,
  };
  switch (state.status) {
    case "created":
      return { ...base, ExitCode: state.failure?.exitCode ?? 0, Error: state.failure?.error ?? "" };
    case "running":
    case "paused":
      return { ...base, Pid: state.pid, StartedAt: state.startedAt };
    case "exited":
      return {
        ...base,
        OOMKilled: state.oomKilled,
        ExitCode: state.exitCode,
        Error: state.error,
        StartedAt: state.startedAt,
        FinishedAt: state.finishedAt,
      };
    case "removing":
      return base;
  }
}

/** The code that `wait` answers for a container that is not running. */
export function lastExitCode(state: ContainerState): number {
  if (state.status === "exited") return state.exitCode;
  return state.status === "created" ? (state.failure?.exitCode ?? 0) : 0;
}
