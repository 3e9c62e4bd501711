import { expect, test } from "bun:test";
import { formatBinarySize, formatSignificant, formatSize, parseSizeBytes } from "./size.ts";

test.each([
  ["0", 0],
  ["100", 100],
  ["100b", 100],
  ["512m", 512 * 1024 ** 2],
  ["1.5g", 1.5 * 1024 ** 3],
  ["64KiB", 65536],
  ["64kb", 65536],
  ["2 GB", 2 * 1024 ** 3],
  ["1t", 1024 ** 4],
  [".5k", 512],
])("parseSizeBytes(%p) is %p", (text, bytes) => {
  expect(parseSizeBytes(text)).toBe(bytes);
});

test.each([
  ["abc", "invalid size: 'abc'"],
  ["", "invalid size: ''"],
  ["-1m", "invalid size: '-1m'"],
  ["5q", "invalid suffix: 'q'"],
  ["5mm", "invalid suffix: 'mm'"],
  ["5bb", "invalid suffix: 'bb'"],
  ["1.2.3", 'strconv.ParseFloat: parsing "1.2.3": invalid syntax'],
])("parseSizeBytes(%p) complains in docker's words", (text, message) => {
  expect(() => parseSizeBytes(text)).toThrow(message);
});

test.each([
  [0, "0B"],
  [999, "999B"],
  [1000, "1kB"],
  [1234567, "1.23MB"],
  [4_260_000, "4.26MB"],
  [13_256, "13.3kB"],
  [117_000_000, "117MB"],
  [999_900, "1e+03kB"],
])("formatSize(%p) is %p", (bytes, text) => {
  expect(formatSize(bytes)).toBe(text);
});

test("formatBinarySize() has four digits", () => {
  expect(formatBinarySize(2_095_878_144)).toBe("1.952GiB");
  expect(formatBinarySize(25_282_224_128)).toBe("23.55GiB");
});

test("formatSignificant() is Go's %.3g", () => {
  expect([0.00001234, 1234, 0.5].map((value) => formatSignificant(value, 3))).toEqual([
    "1.23e-05",
    "1.23e+03",
    "0.5",
  ]);
});
