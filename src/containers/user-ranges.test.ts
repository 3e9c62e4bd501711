import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { findGap, openClaims } from "./user-claims.ts";
import { parseUsersMode, RANGE_SIZE, UserRanges } from "./user-ranges.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync("/tmp/b-ids-");
  mkdirSync(`${directory}/etc`);
});
afterEach(() => rmSync(directory, { recursive: true }));

const BLOCK = 64 * RANGE_SIZE;
const file = () => `${directory}/claims.json`;
const claims = () => openClaims({ file: file(), lock: `${directory}/lock`, etc: `${directory}/etc` });
const etc = (name: string, text: string) => writeFileSync(`${directory}/etc/${name}`, text);
const startOf = ({ uid }: ReturnType<UserRanges["take"]>) => uid[0]?.hostID;

/** An engine, whose root is there as long as its database is. */
function engine(name: string, meta = new Map<string, string>(), used: ReturnType<UserRanges["take"]>[] = []) {
  const root = `${directory}/${name}`;
  mkdirSync(root, { recursive: true });
  writeFileSync(`${root}/state.db`, "");
  const store = {
    meta: (key: string) => meta.get(key),
    setMeta: (key: string, value: string) => void meta.set(key, value),
  };
  return new UserRanges({ root, store, claims: claims() }, used);
}

describe("ranges", () => {
  test("are disjoint, for uids and gids alike", () => {
    const ranges = engine("a");
    const maps = Array.from({ length: 200 }, () => ranges.take());
    expect(new Set(maps.map(startOf)).size).toBe(200);
    for (const { uid, gid } of maps) expect(uid).toEqual(gid);
    expect(maps[0]?.uid).toEqual([{ containerID: 0, hostID: 100_000, size: RANGE_SIZE }]);
  });

  test("of several engines are disjoint, also when an engine has been replaced", () => {
    const [a, b] = [engine("a"), engine("b")];
    const first = [a.take(), b.take(), a.take()];
    const later = engine(
      "a",
      new Map(),
      [first[0], first[2]].filter((map) => map !== undefined),
    );
    const all = [...first, later.take(), b.take()].map(startOf);
    expect(new Set(all).size).toBe(5);
  });

  test("that were given back are free again, those that came back last come last", () => {
    const ranges = engine("a");
    const [kept, gone] = [ranges.take(), ranges.take()];
    ranges.release(gone);
    expect(startOf(ranges.take())).not.toBe(startOf(gone));
    expect(startOf(kept)).toBe(100_000);
  });

  test("of containers that share a namespace are given back by the last of them", () => {
    const ranges = engine("a");
    const map = ranges.take();
    ranges.hold(map);
    ranges.release(map);
    expect(JSON.parse(readFileSync(file(), "utf8"))).toHaveLength(1);
    ranges.release(map);
    expect(existsSync(file())).toBe(false); // nothing is left behind
  });

  test("of more than 65536 ids are as many as it takes, in a row", () => {
    const ranges = engine("a");
    ranges.take();
    const large = ranges.take(3 * RANGE_SIZE);
    const next = ranges.take();
    expect(large.uid).toEqual([{ containerID: 0, hostID: 100_000 + RANGE_SIZE, size: 3 * RANGE_SIZE }]);
    expect(startOf(next)).toBe(100_000 + 4 * RANGE_SIZE);
    expect(ranges.take(100).uid[0]?.size).toBe(100);
  });

  test("that are only looked at are not taken", () => {
    const ranges = engine("a");
    expect(startOf(ranges.peek())).toBe(startOf(ranges.take()));
  });

  test("that containers share are the same for ever", () => {
    const meta = new Map<string, string>();
    const shared = engine("a", meta).shared();
    const later = engine("a", meta);
    expect(later.shared()).toEqual(shared);
    expect(later.peekShared()).toEqual(shared);
    expect(startOf(later.take())).not.toBe(startOf(shared));
  });

  test("that nobody has any more, because an engine died in between, are given back by the next one", () => {
    engine("a").take();
    engine("a");
    expect(existsSync(file())).toBe(false);
  });

  test("of an engine that is gone for good are free", () => {
    const first = startOf(engine("a").take());
    rmSync(`${directory}/a`, { recursive: true });
    expect(startOf(engine("b").take())).toBe(first);
  });
});

describe("ids of the host", () => {
  test("that somebody has are nobody else's", () => {
    etc("passwd", "root:x:0:0::/:\njane:x:100005:100::/home/jane:\n");
    etc("group", `staff:x:${100_006 + BLOCK}:\n`);
    etc("subuid", "jane:9000000:65536\n");
    const ranges = engine("a");
    const starts = Array.from({ length: 300 }, () => startOf(ranges.take()) ?? 0);
    const taken = (id: number) => starts.some((start) => id >= start && id < start + RANGE_SIZE);
    expect([100_005, 100_006 + BLOCK, 9_000_000, 9_065_535].filter(taken)).toEqual([]);
  });

  test("that are set aside for containers are the only ones", () => {
    etc("subuid", `jane:100000:65536\ncontainers:500000:${2 * RANGE_SIZE}\n`);
    etc("subgid", `containers:500000:${2 * RANGE_SIZE}\n`);
    const ranges = engine("a");
    expect([startOf(ranges.take()), startOf(ranges.take())]).toEqual([500_000, 500_000 + RANGE_SIZE]);
    expect(() => ranges.take()).toThrow("no range of ids is free");
  });

  test("that are set aside differently for users and groups are refused", () => {
    etc("subuid", "berth:500000:65536\n");
    expect(() => engine("a").take()).toThrow("make them the same");
  });
});

test("claims that cannot be read are not guessed", () => {
  writeFileSync(file(), "[{");
  expect(() => engine("a").take()).toThrow(`${file()} is damaged`);
});

test("a gap is what is asked for, or less, down to what is needed", () => {
  const pool = [{ start: 0, size: 100 }];
  expect(findGap(pool, [], 80, 10)).toEqual({ start: 0, size: 80 });
  expect(findGap(pool, [{ start: 30, size: 1 }], 80, 10)).toEqual({ start: 31, size: 40 });
  expect(findGap(pool, [{ start: 0, size: 95 }], 80, 10)).toBeUndefined();
});

test.each([
  ["", undefined],
  ["host", { kind: "host" }],
  ["private", { kind: "private" }],
  ["auto", { kind: "auto", size: RANGE_SIZE }],
  ["auto:size=1000", { kind: "auto", size: 1000 }],
] as const)("--userns %p is understood", (text, mode) => {
  expect(parseUsersMode(text)).toEqual(mode);
});

test.each([
  ["keep-id", 'does not support "keep-id"'],
  ["keep-id:uid=5", 'does not support "keep-id:uid=5"'],
  ["nomap", 'does not support "nomap"'],
  ["ns:/proc/1/ns/user", "does not support"],
  ["container:web", "does not support"],
  ["auto:uidmapping=0:1:2", "supports size=NUMBER alone"],
  ["auto:size=0", "1 to 4194304 ids"],
  ["auto:size=99999999", "1 to 4194304 ids"],
  ["host:x", "invalid user namespace mode: host:x"],
  ["mine", "invalid user namespace mode: mine"],
])("--userns %s is refused by name", (text, words) => {
  expect(() => parseUsersMode(text)).toThrow(words);
});
