import { expect, test } from "bun:test";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import {
  flock,
  getxattr,
  listxattr,
  memfd,
  openat2,
  peerCredentials,
  removexattr,
  setxattr,
  socketpair,
  startTime,
  utimensat,
} from "./libc.ts";

const folder = () => {
  const path = mkdtempSync("/tmp/berth-libc-");
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true }) };
};

test("a failing call says what was tried, on what, and why", () => {
  expect(() => openat2(-100, "/nonexistent/file", 0, 0, 0)).toThrow(
    'open "/nonexistent/file": no such file or directory',
  );
});

test("names that are no UTF-8 stay what they are", () => {
  using root = folder();
  const path = Buffer.concat([Buffer.from(`${root.path}/`), Buffer.from([0xff, 0xfe])]);
  writeFileSync(path, "");
  utimensat(path, { seconds: 1_000_000_000, nanoseconds: 123_456_789 });
  expect(statSync(path, { bigint: true }).mtimeNs).toBe(1_000_000_000_123_456_789n);
});

test("times before 1970 are times, too", () => {
  using root = folder();
  utimensat(root.path, { seconds: -5, nanoseconds: 7 });
  expect(statSync(root.path, { bigint: true }).mtimeNs).toBe(-4_999_999_993n);
});

test("extended attributes are bytes", () => {
  using root = folder();
  setxattr(root.path, "user.note", Uint8Array.of(0, 255, 10));
  expect(listxattr(root.path)).toEqual(["user.note"]);
  expect(getxattr(root.path, "user.note")).toEqual(Uint8Array.of(0, 255, 10));
  removexattr(root.path, "user.note");
  expect(getxattr(root.path, "user.note")).toBeUndefined();
});

test("a lock is held once", () => {
  using root = folder();
  const [first, second] = [openSync(`${root.path}/lock`, "w"), openSync(`${root.path}/lock`, "w")];
  expect([flock(first), flock(second)]).toEqual([true, false]);
  closeSync(first);
  expect(flock(second)).toBe(true);
  closeSync(second);
});

test("a sealed memory file cannot be changed", () => {
  const fd = memfd("berth-test", Buffer.from("fixed"), { seal: true });
  expect(() => writeFileSync(`/proc/self/fd/${fd}`, "other")).toThrow("EPERM");
  expect(readFileSync(`/proc/self/fd/${fd}`, "utf8")).toBe("fixed");
  closeSync(fd);
});

test("the other end of a socket is known", () => {
  const [here, there] = socketpair();
  expect(peerCredentials(here)).toMatchObject({ pid: process.pid, uid: process.getuid?.() });
  closeSync(here);
  closeSync(there);
});

test("a process is told from a later one with its number by its start time", () => {
  expect(startTime(process.pid)).toBeGreaterThan(0n);
  expect(startTime(2 ** 22 + 1)).toBeUndefined();
});
