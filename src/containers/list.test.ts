import { expect, test } from "bun:test";
import { commandLine } from "./list.ts";

test.each([
  [["sh"], "sh"],
  [["sh", "-c", "echo a b"], "sh -c 'echo a b'"],
  [["/my prog", "x"], "/my prog x"],
  [[], ""],
])("the command %j is shown as %s", (words, shown) => {
  expect(commandLine(words)).toBe(shown);
});
