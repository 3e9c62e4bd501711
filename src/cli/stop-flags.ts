/** How a container is brought to an end: `stop` and `restart` have these flags in common. */
import { BerthError } from "../lib/error.ts";
import type { Flag, Flags } from "./flags.ts";

export const STOP_FLAGS: readonly Flag[] = [
  { name: "signal", short: "s", value: "string", help: "Signal to send to the container" },
  { name: "timeout", short: "t", value: "int", help: "Seconds to wait before killing the container" },
  { name: "time", value: "int", help: "Deprecated: Use --timeout instead", hidden: true },
];

export function stopQuery(flags: Flags): { signal: string; t: number | undefined } {
  if (flags.given("time") && flags.given("timeout")) {
    throw new BerthError("invalid", "conflicting options: cannot specify both --timeout and --time");
  }
  const name = ["timeout", "time"].find((one) => flags.given(one));
  return { signal: flags.text("signal"), t: name === undefined ? undefined : flags.number(name) };
}
