import { expect, test } from "bun:test";
import { type Flag, parseFlags } from "./flags.ts";

const KNOWN: readonly Flag[] = [
  { names: ["bundle", "b"], value: "text", help: "" },
  { names: ["detach", "d"], help: "" },
  { names: ["preserve-fds"], value: "number", help: "" },
  { names: ["env", "e"], value: "list", help: "" },
];

test.each([
  ["with one dash", ["-bundle", "/x", "id"]],
  ["with two dashes", ["--bundle", "/x", "id"]],
  ["with an equals sign", ["--bundle=/x", "id"]],
  ["by its short name", ["-b", "/x", "id"]],
])("a flag may be written %s", (_, words) => {
  const { flags, args } = parseFlags(words, KNOWN);
  expect([flags.text("bundle"), args]).toEqual(["/x", ["id"]]);
});

test("the first word that is no flag ends them, and so do two dashes", () => {
  expect(parseFlags(["-d", "id", "-b", "x"], KNOWN).args).toEqual(["id", "-b", "x"]);
  expect(parseFlags(["-d", "--", "-b"], KNOWN).args).toEqual(["-b"]);
  expect(parseFlags(["-", "-b"], KNOWN).args).toEqual(["-", "-b"]);
});

test("a switch can be off, a list keeps all its values, of others the last counts", () => {
  const { flags } = parseFlags(["--detach=false", "-e", "A=1", "-e", "B=2", "-b", "x", "-b", "y"], KNOWN);
  expect([flags.on("detach"), flags.has("detach")]).toEqual([false, true]);
  expect(flags.list("env")).toEqual(["A=1", "B=2"]);
  expect(flags.text("bundle")).toBe("y");
});

test.each([
  [["--frob"], "flag provided but not defined: -frob"],
  [["--bundle"], "flag needs an argument: -bundle"],
  [["--preserve-fds", "x"], 'invalid value "x" for flag -preserve-fds: parse error'],
  [["--detach=maybe"], 'invalid boolean value "maybe" for -detach: parse error'],
])("%p is refused as Go's flag package does", (words, message) => {
  expect(() => parseFlags(words, KNOWN)).toThrow(message);
});
