import { expect, test } from "bun:test";
import { visible } from "./output.ts";

test.each([
  ["an escape", "a\u001b[31mb", "a\\x1b[31mb"],
  ["a title", "\u001b]0;evil\u0007", "\\x1b]0;evil\\x07"],
  ["a carriage return and a backspace", "yes\r\bno", "yes\\x0d\\x08no"],
  ["the one-byte form of an escape", "\u009b31m", "\\x9b31m"],
  ["a deletion", "\u007f", "\\x7f"],
])("visible() spells out %s", (_, text, expected) => {
  expect(visible(text)).toBe(expected);
});

test("visible() leaves lines, tabs and letters as they are", () => {
  expect(visible("é\tß\n日本\n")).toBe("é\tß\n日本\n");
});
