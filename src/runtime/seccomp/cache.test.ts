import { afterAll, beforeEach, expect, test } from "bun:test";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { digestOf, hexOf } from "../../lib/digest.ts";
import { cachedProgram, MAX_FILES } from "./cache.ts";

const top = mkdtempSync(`${tmpdir()}/berth-seccomp-`);
const directory = `${top}/cache`;
afterAll(() => rmSync(top, { recursive: true }));
beforeEach(() => rmSync(directory, { recursive: true, force: true }));

const digest = digestOf("rules");
const path = `${directory}/${hexOf(digest)}`;
const program = new Uint8Array([6, 0, 0, 0, 0, 0, 0xff, 0x7f]);
const other = new Uint8Array([6, 0, 0, 0, 0, 0, 0, 0]);
const never = () => {
  throw new Error("compiled again");
};

test("a program is made once, and kept where only its owner reads it", () => {
  expect(cachedProgram(directory, digest, () => program)).toEqual(program);
  expect(new Uint8Array(cachedProgram(directory, digest, never))).toEqual(program);
  expect(statSync(directory).mode & 0o777).toBe(0o700);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(readdirSync(directory)).toEqual([hexOf(digest)]);
});

test.each<[string, () => void]>([
  ["torn", () => truncateSync(path, 36)],
  ["empty", () => writeFileSync(path, "")],
  ["longer than the kernel takes", () => writeFileSync(path, Buffer.alloc(32 + 4097 * 8))],
  [
    "changed in one bit",
    () =>
      writeFileSync(
        path,
        readFileSync(path).map((byte, at) => (at === 38 ? byte ^ 1 : byte)),
      ),
  ],
  [
    "another's",
    () => {
      cachedProgram(directory, digestOf("others"), () => other);
      writeFileSync(path, readFileSync(`${directory}/${hexOf(digestOf("others"))}`));
    },
  ],
  [
    "a link",
    () => {
      writeFileSync(`${top}/elsewhere`, readFileSync(path));
      rmSync(path);
      symlinkSync(`${top}/elsewhere`, path);
    },
  ],
  [
    "no file",
    () => {
      rmSync(path);
      mkdirSync(path);
    },
  ],
])("a file that is %s counts as absent, and what is made then is used", (_, spoil) => {
  cachedProgram(directory, digest, () => program);
  spoil();
  expect(cachedProgram(directory, digest, () => other)).toEqual(other);
});

test("a directory that cannot be written costs nothing but the work", () => {
  writeFileSync(`${top}/file`, "");
  expect(cachedProgram(`${top}/file/below`, digest, () => program)).toEqual(program);
});

test("the oldest of too many go", () => {
  for (let index = 0; index < MAX_FILES; index++) {
    const each = digestOf(String(index));
    cachedProgram(directory, each, () => program);
    utimesSync(`${directory}/${hexOf(each)}`, 1000 + index, 1000 + index);
  }
  cachedProgram(directory, digest, () => program);
  const names = readdirSync(directory);
  expect(names).toHaveLength(MAX_FILES);
  expect(names).toContain(hexOf(digest));
  expect(names).not.toContain(hexOf(digestOf("0")));
});
