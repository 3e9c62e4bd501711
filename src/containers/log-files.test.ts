import { afterEach, beforeEach, expect, test } from "bun:test";
import { appendFileSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { LogFiles } from "./log-files.ts";

let folder = "";
beforeEach(() => (folder = mkdtempSync("/tmp/berth-logs-")));
afterEach(() => rmSync(folder, { recursive: true }));

const path = () => `${folder}/log`;

function rest(files: LogFiles): string {
  let text = "";
  for (let block = files.read(); block !== undefined; block = files.read())
    text += new TextDecoder().decode(block);
  return text;
}

function rotate(): void {
  renameSync(`${path()}.1`, `${path()}.2`);
  renameSync(path(), `${path()}.1`);
}

test("no log is an empty log, until something is written", () => {
  using files = new LogFiles(path());
  expect(rest(files)).toBe("");
  writeFileSync(path(), "a\n");
  expect(rest(files)).toBe("a\n");
});

test("rotated files come first, and an unfinished line comes when it is finished", () => {
  writeFileSync(`${path()}.1`, "1\n2\n");
  writeFileSync(path(), "3\n4");
  using files = new LogFiles(path());
  expect(rest(files)).toBe("1\n2\n3\n");
  appendFileSync(path(), "4\n5\n");
  expect(rest(files)).toBe("44\n5\n");
});

test("rotation in mid-reading loses nothing", () => {
  writeFileSync(`${path()}.1`, "0\n");
  writeFileSync(path(), "1\n");
  using files = new LogFiles(path());
  expect(rest(files)).toBe("0\n1\n");
  appendFileSync(path(), "2\n");
  rotate();
  writeFileSync(path(), "3\n");
  rotate();
  writeFileSync(path(), "4\n");
  expect(rest(files)).toBe("2\n3\n4\n");
});

test("a reader that slept too long goes on with the oldest line that is left", () => {
  writeFileSync(path(), "1\n");
  using files = new LogFiles(path());
  expect(rest(files)).toBe("1\n");
  rmSync(path());
  writeFileSync(`${path()}.1`, "8\n");
  writeFileSync(path(), "9\n");
  expect(rest(files)).toBe("8\n9\n");
});

test.each([
  [0, ""],
  [1, "5\n"],
  [2, "4\n5\n"],
  [3, "3\n4\n5\n"],
  [5, "1\n2\n3\n4\n5\n"],
  [99, "1\n2\n3\n4\n5\n"],
])("the last %d lines are found across files", (count, expected) => {
  writeFileSync(`${path()}.1`, "1\n2\n3\n");
  writeFileSync(path(), "4\n5\n");
  using files = new LogFiles(path());
  files.seekTail(count);
  expect(rest(files)).toBe(expected);
});

test("the last lines are found in blocks of any length", () => {
  const line = `${"x".repeat(50_000)}\n`;
  writeFileSync(path(), line.repeat(5));
  using files = new LogFiles(path());
  files.seekTail(3);
  expect(rest(files)).toBe(line.repeat(3));
});
