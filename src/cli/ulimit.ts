/** `--ulimit name=soft[:hard]` (github.com/docker/go-units ulimit.go). */
import { BerthError } from "../lib/error.ts";

const NAMES =
  "core cpu data fsize locks memlock msgqueue nice nofile nproc rss rtprio rttime sigpending stack".split(
    " ",
  );

export interface Ulimit {
  readonly Name: string;
  /** -1 is without limit. */
  readonly Soft: number;
  readonly Hard: number;
}

export function parseUlimit(text: string): Ulimit {
  const equals = text.indexOf("=");
  const [name, values] = [text.slice(0, equals), text.slice(equals + 1)];
  if (equals < 0 || values === "") throw wrong(`invalid ulimit argument: ${text}`);
  if (!NAMES.includes(name)) throw wrong(`invalid ulimit type: ${name}`);
  const parts = values.split(":");
  if (parts.length > 2) {
    throw wrong(`too many limit value arguments - ${values}, can only have up to two, \`soft[:hard]\``);
  }
  const [soft = 0, hard = soft] = parts.map(parseLimit);
  if (hard !== -1 && soft === -1) {
    throw wrong(
      `ulimit soft limit must be less than or equal to hard limit: soft: -1 (unlimited), hard: ${hard}`,
    );
  }
  if (hard !== -1 && soft > hard) {
    throw wrong(`ulimit soft limit must be less than or equal to hard limit: ${soft} > ${hard}`);
  }
  return { Name: name, Soft: soft, Hard: hard };
}

function parseLimit(text: string): number {
  if (/^[+-]?\d+$/.test(text)) return Number(text);
  throw wrong(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`);
}

function wrong(message: string): BerthError {
  return new BerthError("invalid", message);
}
