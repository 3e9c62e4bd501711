import { expect, test } from "bun:test";
import { parseName, randomName } from "./names.ts";

test("a random name is allowed as a name", () => {
  expect(parseName(randomName(() => false))).toMatch(/^[a-z]+_[a-z]+$/);
});

test("a random name is never one that is taken", () => {
  const names = new Set<string>();
  for (let count = 0; count < 10_000; count++) names.add(randomName((name) => names.has(name)));
  expect(names.size).toBe(10_000);
});

test.each(["web", "/web", "a.b-c_d", "0x", "c"])("%s is a name", (name) => {
  expect(parseName(name)).toBe(name.replace("/", ""));
});

test.each(["", "/", ".a", "-a", "a b", "a/b", "ä1", "//a", "a\n"])("%p is no name", (name) => {
  expect(() => parseName(name)).toThrow(
    `Invalid container name (${name}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed`,
  );
});
