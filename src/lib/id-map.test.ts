import { expect, test } from "bun:test";
import {
  formatIdRanges,
  type IdRange,
  parseIdRanges,
  rootOf,
  toContainerId,
  toHostId,
  verifyIdMap,
} from "./id-map.ts";

const range = (containerID: number, hostID: number, size: number): IdRange => ({ containerID, hostID, size });
const RANGES = [range(0, 100_000, 1000), range(1000, 500, 1), range(1001, 200_000, 64_000)];

test.each<[string, number, number | undefined]>([
  ["the first", 0, 100_000],
  ["the last of a range", 999, 100_999],
  ["one in a range of its own", 1000, 500],
  ["one behind it", 1001, 200_000],
  ["the last of all", 65_000, 263_999],
  ["one that is not mapped", 65_001, undefined],
])("%s has its id on the host, and is found again from there", (_, inside, outside) => {
  expect(toHostId(RANGES, inside)).toBe(outside);
  if (outside !== undefined) expect(toContainerId(RANGES, outside)).toBe(inside);
});

test("ids of the host that nobody was given are nobody's", () => {
  expect(toContainerId(RANGES, 0)).toBeUndefined();
  expect(toContainerId(RANGES, 101_000)).toBeUndefined();
});

test("the text of the kernel is read as it is written", () => {
  expect(parseIdRanges(formatIdRanges(RANGES))).toEqual(RANGES);
  expect(parseIdRanges("         0          0 4294967295\n")).toEqual([range(0, 0, 4_294_967_295)]);
});

test.each<[string, readonly IdRange[], string]>([
  ["that is empty", [], "there is none"],
  ["with an empty range", [range(0, 1, 0)], "is no range"],
  ["with a negative id", [range(-1, 1, 1)], "is no range"],
  ["beyond 32 bits", [range(0, 4_294_967_000, 400)], "is no range"],
  ["with an id inside twice", [range(0, 10, 5), range(4, 100, 5)], "containerID 4 is mapped twice"],
  ["with an id outside twice", [range(100, 14, 5), range(0, 10, 5)], "hostID 14 is mapped twice"],
  [
    "of more ranges than the kernel takes",
    Array.from({ length: 341 }, (_, at) => range(at * 2, at * 2, 1)),
    "341 ranges",
  ],
])("a map %s is refused", (_, ranges, words) => {
  expect(() => verifyIdMap({ uid: ranges, gid: RANGES })).toThrow(words);
  expect(() => verifyIdMap({ uid: RANGES, gid: ranges })).toThrow(words);
});

test("a container needs a root", () => {
  expect(rootOf({ uid: RANGES, gid: [range(0, 7, 1)] })).toEqual({ uid: 100_000, gid: 7 });
  expect(() => rootOf({ uid: RANGES, gid: [range(1, 7, 1)] })).toThrow("need uid 0 and gid 0");
});
