/** Durations as Go writes and reads them (`1h2m3.5s`), and as docker tells them to people (`2 hours`). */
import { BerthError } from "./error.ts";

const UNITS_NS: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  µs: 1e3, // U+00B5
  μs: 1e3, // U+03BC
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  h: 3600e9,
};
const PART = /(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)/g;

/** Nanoseconds of a Go duration such as `1h30m`, `-1.5s` or `0`; the message is that of Go's time.ParseDuration. */
export function parseDurationNs(text: string): number {
  const [, sign = "", rest = ""] = /^([+-]?)(.*)$/s.exec(text) ?? [];
  if (rest === "0") return 0;
  const parts = [...rest.matchAll(PART)];
  if (parts.length === 0 || parts.map(([part]) => part).join("") !== rest) throw invalidDuration(text, rest);
  const sum = parts.reduce(
    (ns, [, number = "0", unit = "ns"]) => ns + Number(number) * (UNITS_NS[unit] ?? 0),
    0,
  );
  return sign === "-" ? -Math.round(sum) : Math.round(sum);
}

/** As Go's Duration.String(): `1h2m3.5s`, `1.5s`, `100ms`, `0s`. */
export function formatDurationNs(ns: number): string {
  if (ns === 0) return "0s";
  const sign = ns < 0 ? "-" : "";
  const whole = Math.abs(Math.round(ns));
  if (whole < 1e3) return `${sign}${whole}ns`;
  if (whole < 1e6) return `${sign}${fraction(whole, 1e3)}µs`;
  if (whole < 1e9) return `${sign}${fraction(whole, 1e6)}ms`;
  const [hours, minutes] = [Math.floor(whole / 3600e9), Math.floor(whole / 60e9) % 60];
  const seconds = `${fraction(whole % 60e9, 1e9)}s`;
  if (hours > 0) return `${sign}${hours}h${minutes}m${seconds}`;
  return minutes > 0 ? `${sign}${minutes}m${seconds}` : sign + seconds;
}

/** `5 seconds`, `About a minute`, `2 hours`, `3 weeks`: docker's go-units HumanDuration. */
export function humanDuration(milliseconds: number): string {
  const seconds = Math.trunc(milliseconds / 1e3);
  const minutes = Math.trunc(milliseconds / 60e3);
  const hours = Math.trunc(milliseconds / 3600e3 + 0.5);
  if (seconds < 1) return "Less than a second";
  if (seconds < 60) return seconds === 1 ? "1 second" : `${seconds} seconds`;
  if (minutes < 60) return minutes === 1 ? "About a minute" : `${minutes} minutes`;
  if (hours < 48) return hours === 1 ? "About an hour" : `${hours} hours`;
  return humanDays(hours, Math.trunc(milliseconds / 3600e3));
}

function humanDays(hours: number, fullHours: number): string {
  if (hours < 24 * 7 * 2) return `${Math.trunc(hours / 24)} days`;
  if (hours < 24 * 30 * 2) return `${Math.trunc(hours / 24 / 7)} weeks`;
  if (hours < 24 * 365 * 2) return `${Math.trunc(hours / 24 / 30)} months`;
  return `${Math.trunc(fullHours / 24 / 365)} years`;
}

/** `whole / unit` with as many decimals as it needs, exactly. */
function fraction(whole: number, unit: number): string {
  const rest = String(whole % unit)
    .padStart(String(unit).length - 1, "0")
    .replace(/0+$/, "");
  return `${Math.floor(whole / unit)}${rest === "" ? "" : `.${rest}`}`;
}

function invalidDuration(text: string, rest: string): BerthError {
  const quoted = JSON.stringify(text);
  if (/^(\d+\.?\d*|\.\d+)$/.test(rest)) {
    return new BerthError("invalid", `time: missing unit in duration ${quoted}`);
  }
  const [, unit] = /^(?:\d+\.?\d*|\.\d+)([^\d.]+)/.exec(rest.replace(PART, "") || rest) ?? [];
  if (unit !== undefined && UNITS_NS[unit] === undefined) {
    return new BerthError("invalid", `time: unknown unit ${JSON.stringify(unit)} in duration ${quoted}`);
  }
  return new BerthError("invalid", `time: invalid duration ${quoted}`);
}
