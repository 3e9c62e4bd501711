/** Signals by name and number, as docker reads them: `TERM`, `SIGTERM`, `sigterm`, `15`, `RTMIN+3`. Linux, x86 and arm. */
import { BerthError } from "./error.ts";

const NAMES =
  "HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT CHLD CONT STOP TSTP TTIN TTOU URG XCPU XFSZ VTALRM PROF WINCH IO PWR SYS".split(
    " ",
  );
const ALIASES: Readonly<Record<string, string>> = { IOT: "ABRT", CLD: "CHLD", POLL: "IO", UNUSED: "SYS" };
const RTMIN = 34;
const RTMAX = 64;

export const SIGKILL = 9;
export const SIGTERM = 15;

/** The number; docker's message when there is no such signal. */
export function parseSignal(text: string): number {
  const number = /^\d+$/.test(text) ? Number(text) : byName(text.toUpperCase().replace(/^SIG/, ""));
  if (number !== undefined && number > 0 && number <= RTMAX) return number;
  throw new BerthError("invalid", `Invalid signal: ${text}`);
}

function byName(name: string): number | undefined {
  const realTime = /^RT(MIN|MAX)(?:([+-])(\d+))?$/.exec(name);
  if (realTime !== null) return realTimeSignal(realTime);
  const index = NAMES.indexOf(ALIASES[name] ?? name);
  return index < 0 ? undefined : index + 1;
}

function realTimeSignal([, from, sign, distance = "0"]: RegExpExecArray): number | undefined {
  const number = from === "MIN" ? RTMIN + Number(distance) : RTMAX - Number(distance);
  const forward = (from === "MIN") === (sign !== "-") || sign === undefined;
  return forward && number >= RTMIN && number <= RTMAX ? number : undefined;
}
