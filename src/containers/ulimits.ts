/** `--ulimit`. */
import { BerthError } from "../lib/error.ts";
import type { Rlimit } from "../runtime/spec.ts";
import type { HostConfig } from "../wire/schema.ts";

const NAMES = new Set(
  "core cpu data fsize locks memlock msgqueue nice nofile nproc rss rtprio rttime sigpending stack".split(
    " ",
  ),
);

export function rlimitsOf(hostConfig: HostConfig): Rlimit[] {
  return (hostConfig.Ulimits ?? []).map(({ Name, Soft, Hard }) => {
    const name = (Name ?? "").toLowerCase();
    const soft = Soft ?? 0;
    const hard = Hard ?? soft;
    if (!NAMES.has(name)) throw new BerthError("invalid", `invalid ulimit type: ${Name}`);
    if (hard !== -1 && (soft > hard || soft === -1))
      throw new BerthError(
        "invalid",
        `ulimit soft limit must be less than or equal to hard limit: ${soft} > ${hard}`,
      );
    return { type: `RLIMIT_${name.toUpperCase()}`, soft, hard };
  });
}
