import { expect, test } from "bun:test";
import { formatDurationNs, humanDuration, parseDurationNs } from "./duration.ts";

test.each([
  ["0", 0],
  ["10s", 10e9],
  ["1h30m", 5400e9],
  ["1h2m3.5s", 3723.5e9],
  ["-1.5s", -1.5e9],
  ["100ms", 1e8],
  ["2us", 2e3],
  [".5m", 30e9],
])("parseDurationNs(%p) is %p", (text, ns) => {
  expect(parseDurationNs(text)).toBe(ns);
});

test.each([
  ["", 'time: invalid duration ""'],
  ["abc", 'time: invalid duration "abc"'],
  ["10", 'time: missing unit in duration "10"'],
  ["10d", 'time: unknown unit "d" in duration "10d"'],
])("parseDurationNs(%p) complains in Go's words", (text, message) => {
  expect(() => parseDurationNs(text)).toThrow(message);
});

test.each([
  [0, "0s"],
  [1, "1ns"],
  [1500, "1.5µs"],
  [1e8, "100ms"],
  [1.5e9, "1.5s"],
  [60e9, "1m0s"],
  [3723.5e9, "1h2m3.5s"],
  [-90e9, "-1m30s"],
])("formatDurationNs(%p) is %p", (ns, text) => {
  expect(formatDurationNs(ns)).toBe(text);
});

test.each([
  [500, "Less than a second"],
  [1000, "1 second"],
  [47_000, "47 seconds"],
  [60_000, "About a minute"],
  [180_000, "3 minutes"],
  [3_600_000, "About an hour"],
  [5_400_000, "2 hours"],
  [48 * 3_600_000, "2 days"],
  [15 * 86_400_000, "2 weeks"],
  [61 * 86_400_000, "2 months"],
  [800 * 86_400_000, "2 years"],
])("humanDuration(%p ms) is %p", (ms, text) => {
  expect(humanDuration(ms)).toBe(text);
});
