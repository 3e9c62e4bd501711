/** Whose command it is: that of the process that performs it, or of another that has asked the engine. */
import { writeSync } from "node:fs";
import { reap } from "../kernel/process-image.ts";
import { Elsewhere } from "../lib/elsewhere.ts";
import type { Starter } from "../runtime/handover.ts";
import type { Op } from "../runtime/op.ts";
import { becomeAttendant, spawnHandover } from "../runtime/shim.ts";

/** What a command does in the name of its caller, whose child a container's process is. */
export interface Caller extends Starter {
  /** Its descriptors are ours, and we may wait for others as long as it likes. */
  readonly ours: boolean;
  /** What relative paths begin at; absent: at our own. */
  readonly directory?: string;
  print(descriptor: 1 | 2, text: string): void;
  /** What the caller is sent from now on waits for the attendant that it will be. */
  keepSignals(): void;
  /** The caller becomes the attendant of a child of its own; `words` is what it was called by, `descriptors` what the plan needs. The answer, if there is one, is no exit code: the attendant's counts. */
  attend(ops: readonly Op[], words: readonly string[], descriptors: readonly number[]): number;
}

export function demandOurs({ ours }: Caller): void {
  if (!ours) throw new Elsewhere();
}

export const OURSELVES: Caller = {
  ours: true,
  print: (descriptor, text) => void writeSync(descriptor, text),
  start: spawnHandover,
  reap,
  keepSignals: () => undefined, // each of our threads would have to: a signal ends us
  attend: (ops, words, descriptors) => becomeAttendant(ops, [process.argv0, ...words], descriptors),
};
