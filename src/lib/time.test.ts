import { expect, test } from "bun:test";
import { formatTime, formatTimeFixed, parseTime, parseTimestamp, unixNanoseconds } from "./time.ts";

test.each([
  ["2026-01-02T03:04:05Z", "2026-01-02T03:04:05.000000000Z"],
  ["2026-01-02T03:04:05.6Z", "2026-01-02T03:04:05.600000000Z"],
  ["2026-01-02T03:04:50.000000001Z", "2026-01-02T03:04:50.000000001Z"],
])("%s comes back as it went, and with nine digits as %s", (text, fixed) => {
  const time = parseTime(text) ?? 0n;
  expect(formatTime(time)).toBe(text);
  expect(formatTimeFixed(time)).toBe(fixed);
});

test("a zone is taken into account", () => {
  expect(parseTime("2026-01-02T03:04:05+02:00")).toBe(parseTime("2026-01-02T01:04:05Z"));
});

test.each([
  ["1700000000", 1_700_000_000_000_000_000n],
  ["1700000000.5", 1_700_000_000_500_000_000n],
  ["1700000000.000000001", 1_700_000_000_000_000_001n],
])("parseTimestamp() reads %s as docker's clients mean it", (text, expected) => {
  expect(parseTimestamp(text)).toBe(expected);
});

test.each(["", "yesterday", "12e3", "2026-13-40T00:00:00Z"])("parseTimestamp() knows no %p", (text) => {
  expect(parseTimestamp(text)).toBeUndefined();
});

test("the clock shows the time of day, and does not go back", () => {
  let last = 0n;
  for (const end = Date.now() + 50; Date.now() < end;) {
    const [before, now, after] = [Date.now(), unixNanoseconds(), Date.now()];
    expect(now).toBeGreaterThanOrEqual(BigInt(before) * 1_000_000n);
    expect(now).toBeLessThanOrEqual(BigInt(after + 1) * 1_000_000n);
    expect(now).toBeGreaterThanOrEqual(last);
    last = now;
  }
});
