/** What the caller passes on besides the streams: descriptors of socket activation, those of --preserve-fds. */
import { attempt } from "../kernel/ffi.ts";
import { BerthError } from "../lib/error.ts";
import type { Process } from "../runtime/spec.ts";
import { demandOurs } from "./caller.ts";
import type { Call } from "./command.ts";

const FIRST = 3;

export interface Inherited {
  readonly count: number;
  readonly numbers: readonly number[];
  /** It is told of those of socket activation. */
  toProcess(process: Process): Process;
}

export function inheritedDescriptors({
  flags,
  environment,
  caller,
}: Pick<Call, "flags" | "environment" | "caller">): Inherited {
  const activated = listenCount(environment["LISTEN_FDS"]);
  const count = activated + flags.number("preserve-fds");
  if (count > 0) demandOurs(caller);
  for (let index = 0; index < count; index++) demandInherited(FIRST + index);
  const numbers = Array.from({ length: count }, (_, index) => FIRST + index);
  const told = activated === 0 ? [] : [`LISTEN_FDS=${activated}`, "LISTEN_PID=1"];
  const toProcess = (process: Process): Process =>
    told.length === 0 ? process : { ...process, env: [...(process.env ?? []), ...told] };
  return { count, numbers, toProcess };
}

function listenCount(text: string | undefined): number {
  if (text === undefined || text === "") return 0;
  if (!/^\d+$/.test(text))
    throw new BerthError("invalid", `unable to read LISTEN_FDS: "${text}" is no number`);
  return Number(text);
}

const F_GETFD = 1;
const FD_CLOEXEC = 1;

/** What comes from the caller is not closed on exec, or it would not be here; what we opened is. */
function demandInherited(number: number): void {
  const flags = attempt("fcntl", number, F_GETFD);
  if (flags < 0 || (flags & FD_CLOEXEC) !== 0)
    throw new BerthError("invalid", `the descriptor ${number} that is to be preserved is not open`);
}
