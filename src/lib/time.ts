/** Points in time with nanoseconds: the wall clock, and RFC 3339 as Go writes it. */

let originMs = performance.timeOrigin;

/** Nanoseconds since 1970. Finer than Date.now(), and never beside it: it follows the wall clock when that is set or slewed. */
export function unixNanoseconds(): bigint {
  const earliestMs = Date.now();
  const passedMs = performance.now();
  const latestMs = Date.now() + 1; // of the millisecond that has begun
  const nowMs = Math.min(Math.max(originMs + passedMs, earliestMs), latestMs);
  originMs = nowMs - passedMs;
  return BigInt(Math.trunc(nowMs * 1e3)) * 1_000n;
}

/** RFC 3339 with as many digits as are not zero, as docker's JSON has it: `2026-01-02T03:04:05.6Z`. */
export function formatTime(nanoseconds: bigint): string {
  return formatTimeFixed(nanoseconds).replace(/\.?0+Z$/, "Z");
}

/** RFC 3339 with nine digits, as `docker logs --timestamps` prints it. */
export function formatTimeFixed(nanoseconds: bigint): string {
  const seconds = new Date(Number(nanoseconds / 1_000_000n)).toISOString().slice(0, 19);
  return `${seconds}.${String(nanoseconds % 1_000_000_000n).padStart(9, "0")}Z`;
}

/** Nanoseconds since 1970 of an RFC 3339 text; undefined when it is none. */
export function parseTime(text: string): bigint | undefined {
  const match = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)$/.exec(text);
  if (match === null) return undefined;
  const ms = Date.parse(`${match[1]}${match[3]}`);
  if (Number.isNaN(ms)) return undefined;
  return BigInt(ms) * 1_000_000n + BigInt((match[2] ?? "").padEnd(9, "0"));
}

/** Docker's `since` and `until`: unix seconds with up to nine decimals, or RFC 3339. Undefined when it is neither. */
export function parseTimestamp(text: string): bigint | undefined {
  const match = /^(-?\d+)(?:\.(\d{1,9}))?$/.exec(text);
  if (match === null) return parseTime(text);
  return BigInt(match[1] ?? 0) * 1_000_000_000n + BigInt((match[2] ?? "").padEnd(9, "0"));
}

/** What docker writes for a time that has not come. */
export const ZERO_TIME = "0001-01-01T00:00:00Z";
