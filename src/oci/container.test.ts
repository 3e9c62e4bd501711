import { expect, test } from "bun:test";
import { checkId } from "./container.ts";

test.each(["a", "A_1+2-3.4", "0123", "..a"])('"%s" is a name', (id) => {
  expect(checkId(id)).toBe(id);
});

test.each(["", ".", "..", "a/b", "a b", "ä", "a\n", ",seccomp", "x".repeat(1025)])('"%s" is none', (id) => {
  expect(() => checkId(id)).toThrow(/invalid container ID format|cannot be empty/);
});
