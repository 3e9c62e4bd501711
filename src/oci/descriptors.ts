/** Descriptors that the caller holds open for the process: those of socket activation, then those of --preserve-fds. */
import { fstatSync } from "node:fs";
import { BerthError } from "../lib/error.ts";
import type { Process, Spec } from "../runtime/spec.ts";
import type { Call } from "./command.ts";

const FIRST = 3;

export interface Inherited {
  readonly count: number;
  readonly numbers: readonly number[];
  /** The process is told of those of socket activation. */
  applied(spec: Spec): Spec;
  toProcess(process: Process): Process;
}

export function inheritedDescriptors({ flags, environment }: Pick<Call, "flags" | "environment">): Inherited {
  const activated = listenCount(environment["LISTEN_FDS"]);
  const count = activated + flags.number("preserve-fds");
  const numbers = Array.from({ length: count }, (_, index) => FIRST + index);
  for (const number of numbers) demandOpen(number);
  const told = activated === 0 ? [] : [`LISTEN_FDS=${activated}`, "LISTEN_PID=1"];
  const toProcess = (process: Process): Process =>
    told.length === 0 ? process : { ...process, env: [...(process.env ?? []), ...told] };
  return { count, numbers, toProcess, applied: (spec) => ({ ...spec, process: toProcess(spec.process) }) };
}

function listenCount(text: string | undefined): number {
  if (text === undefined || text === "") return 0;
  if (!/^\d+$/.test(text))
    throw new BerthError("invalid", `unable to read LISTEN_FDS: "${text}" is no number`);
  return Number(text);
}

function demandOpen(number: number): void {
  try {
    fstatSync(number);
  } catch (error) {
    throw new BerthError("invalid", `the descriptor ${number} that is to be preserved is not open`, {
      cause: error,
    });
  }
}
