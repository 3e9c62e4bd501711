/** One action on each of several things: at the same time, answers in the order of the words, all failures told. */
import { BerthError } from "../lib/error.ts";
import { print, printError } from "./output.ts";

const AT_ONCE = 50;

export interface EachOptions {
  /** Such a failure is told, and is none. */
  readonly forgive?: (error: BerthError) => boolean;
}

/** Prints each reference that went well, or what `act` gives for it. The exit code is 1 when any failed. */
export async function forEach(
  refs: readonly string[],
  act: (ref: string) => Promise<string | void>,
  { forgive = () => false }: EachOptions = {},
): Promise<number> {
  const errors: string[] = [];
  for (let from = 0; from < refs.length; from += AT_ONCE) {
    const some = refs.slice(from, from + AT_ONCE);
    const results = await Promise.allSettled(some.map(act));
    for (const [at, result] of results.entries()) {
      if (result.status === "fulfilled") print(result.value ?? some[at] ?? "");
      else if (forgive(expected(result.reason))) printError(expected(result.reason).message);
      else errors.push(expected(result.reason).message);
    }
  }
  for (const message of errors) printError(message);
  return errors.length > 0 ? 1 : 0;
}

/** The error, if it is one that a user can act on; a bug is thrown on. */
export function expected(error: unknown): BerthError {
  if (error instanceof BerthError) return error;
  throw error;
}
