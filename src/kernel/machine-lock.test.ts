import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { lockMachine } from "./machine-lock.ts";

let directory: string;
let path: string;
beforeEach(() => {
  directory = mkdtempSync("/tmp/b-lock-");
  path = `${directory}/lock`;
});
afterEach(() => rmSync(directory, { recursive: true }));

test("one holds it, the next one gets it when it is given back", () => {
  {
    using _ = lockMachine({ path, what: "x" });
    expect(() => lockMachine({ path, what: "x", limitMs: 0 })).toThrow(
      `end it (fuser ${path} names it), or try again`,
    );
  }
  using _ = lockMachine({ path, what: "x", limitMs: 0 });
});

test("nobody but its owner can open it", () => {
  using _ = lockMachine({ path, what: "x" });
  expect(statSync(path).mode & 0o777).toBe(0o600);
});

test("where it cannot be made the error names it", () => {
  expect(() => lockMachine({ path: `${directory}/no/lock`, what: "x" })).toThrow(`open ${directory}/no/lock`);
});
