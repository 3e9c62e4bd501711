/** Points in time as people type them behind `--since` and `--until` (moby api/types/time/timestamp.go). */
import { parseDurationNs } from "../lib/duration.ts";
import { BerthError } from "../lib/error.ts";

/** Unix seconds with nine decimals. `10m` is ten minutes ago; dates may be incomplete, and are local without a zone. */
export function unixTime(text: string, what?: string, now = Date.now()): string {
  if (text === "" || /^-?\d+(\.\d+)?$/.test(text)) return text;
  const milliseconds = relative(text, now) ?? absolute(text);
  if (milliseconds !== undefined) return fixed(milliseconds, text);
  const message = `failed to parse value as time or duration: ${JSON.stringify(text)}`;
  throw new BerthError(
    "invalid",
    what === undefined ? message : `invalid value for ${JSON.stringify(what)}: ${message}`,
  );
}

function relative(text: string, now: number): number | undefined {
  try {
    return now - parseDurationNs(text) / 1e6;
  } catch {
    return undefined; // not a duration: perhaps a date
  }
}

const DATE = /^(\d{4}-\d\d-\d\d)(?:T(\d\d)(?::(\d\d)(?::(\d\d)(?:\.\d+)?)?)?)?(Z|[+-]\d\d:\d\d)?$/;

function absolute(text: string): number | undefined {
  const [whole, day, hour = "00", minute = "00", second = "00", zone = ""] = DATE.exec(text) ?? [];
  if (whole === undefined) return undefined;
  const time = Date.parse(`${day}T${hour}:${minute}:${second}${zone}`);
  return Number.isNaN(time) ? undefined : time;
}

/** A fraction that was typed is kept as it is. */
function fixed(milliseconds: number, text: string): string {
  const fraction = /:\d\d\.(\d{1,9})/.exec(text)?.[1];
  const seconds = Math.floor(milliseconds / 1000);
  const decimals = fraction ?? String(Math.round((milliseconds - seconds * 1000) * 1e6)).padStart(9, "0");
  return `${seconds}.${decimals.padEnd(9, "0")}`;
}
