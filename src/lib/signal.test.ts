import { expect, test } from "bun:test";
import { parseSignal } from "./signal.ts";

test.each([
  ["TERM", 15],
  ["SIGTERM", 15],
  ["sigkill", 9],
  ["1", 1],
  ["SYS", 31],
  ["POLL", 29],
  ["RTMIN", 34],
  ["SIGRTMIN+3", 37],
  ["RTMAX-1", 63],
  ["64", 64],
])("%s is signal %d", (text, number) => {
  expect(parseSignal(text)).toBe(number);
});

test.each(["", "0", "65", "-1", "NOPE", "RTMIN+31", "RTMIN-1", "RTMAX+1", "SIG"])(
  "%p is no signal",
  (text) => {
    expect(() => parseSignal(text)).toThrow(`Invalid signal: ${text}`);
  },
);
