/** A figure is one row of the table: what is measured, what is aimed at, and the cell of each peer. */
import type { Peers } from "./peers.ts";

export interface Figure {
  readonly name: string;
  readonly goal: string;
  /** One text per peer that can do it, by the peer's name. */
  measure(peers: Peers, options: Options): Promise<Readonly<Record<string, string>>>;
}

export interface Options {
  /** How often a command is timed. */
  readonly rounds: number;
  /** How many stopped containers stand around where the figure speaks of many. */
  readonly many: number;
}

export function milliseconds(value: number): string {
  return value >= 1000 ? `${(value / 1000).toFixed(2)} s` : `${value.toFixed(value < 100 ? 1 : 0)} ms`;
}

export function megabytes(kilobytes: number): string {
  return `${(kilobytes / 1024).toFixed(kilobytes < 10_240 ? 2 : 0)} MB`;
}
