import { expect, test } from "bun:test";
import { EscapeFilter, parseDetachKeys } from "./detach.ts";

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const bytes = (value: string) => new TextEncoder().encode(value);

test.each([
  ["ctrl-p,ctrl-q", [16, 17]],
  ["ctrl-@", [0]],
  ["a,b,ctrl-[", [97, 98, 27]],
  ["ctrl-A", [1]],
])("parseDetachKeys() reads %s", (keys, codes) => {
  expect([...parseDetachKeys(keys)]).toEqual(codes);
});

test.each(["", "ctrl-", "ctrl-1", "ab", "a,,b", "ü"])("parseDetachKeys() refuses %p", (keys) => {
  expect(() => parseDetachKeys(keys)).toThrow(`Invalid detach keys (${keys}) provided`);
});

test("the sequence is found across pieces, and what was typed before it goes on", () => {
  const filter = new EscapeFilter(parseDetachKeys("ctrl-p,ctrl-q"));
  expect(filter.push(bytes("ls\x10"))).toEqual({ bytes: bytes("ls"), detached: false });
  expect(filter.push(bytes("\x11x"))).toEqual({ bytes: bytes(""), detached: true });
});

test("a sequence that was only begun reaches the process", () => {
  const filter = new EscapeFilter(parseDetachKeys("ctrl-p,ctrl-q"));
  expect(text(filter.push(bytes("a\x10")).bytes)).toBe("a");
  expect(text(filter.push(bytes("b\x10\x10c")).bytes)).toBe("\x10b\x10\x10c");
});
