import { afterEach, beforeEach, expect, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { isSmall, removeTree } from "./remove-tree.ts";

let top = "";
beforeEach(() => (top = mkdtempSync("/tmp/berth-tree-")));
afterEach(() => rmSync(top, { recursive: true, force: true }));

test.each<[string, boolean, () => void]>([
  ["a few files", true, () => mkdirSync(`${top}/a/b`, { recursive: true })],
  [
    "many files",
    false,
    () => Array.from({ length: 300 }, (_, index) => writeFileSync(`${top}/${index}`, "")),
  ],
  ["a deep tree", false, () => mkdirSync(`${top}/${"a/".repeat(40)}`, { recursive: true })],
  [
    "names that are no UTF-8",
    false,
    () => writeFileSync(Buffer.concat([Buffer.from(`${top}/`), Buffer.of(0xff)]), ""),
  ],
])("%s are gone afterwards", async (_, small, make) => {
  make();
  expect(isSmall(top)).toBe(small);
  await removeTree(top);
  expect(existsSync(top)).toBe(false);
});

test("what is not there is gone already", async () => {
  await removeTree(`${top}/nothing`);
});
