import { expect, test } from "bun:test";
import { formatSubnet, overlaps, parseSubnet, subnetOf } from "./ipv4.ts";
import { choosePool, DEFAULT_POOLS } from "./pool.ts";

test("the default instance takes docker's subnet when it is free", () => {
  expect(formatSubnet(choosePool("berth", []))).toBe("172.17.0.0/16");
});

test.each([
  ["the same", "172.17.0.0/16", "172.18.0.0/16"],
  ["a part of it", "172.17.4.0/24", "172.18.0.0/16"],
  ["what it is a part of", "172.16.0.0/14", "172.20.0.0/16"],
  ["all of its kind", "172.16.0.0/12", "192.168.0.0/20"],
  ["something else", "10.0.0.0/8", "172.17.0.0/16"],
])("a subnet is passed over when the host reaches %s", (_, taken, chosen) => {
  expect(formatSubnet(choosePool("berth", [parseSubnet(taken)]))).toBe(chosen);
});

test("an instance of its own begins at a place of its own, always the same", () => {
  expect(choosePool("b123456", [])).toEqual(choosePool("b123456", []));
  const chosen = new Set(Array.from({ length: 40 }, (_, index) => choosePool(`b${index}`, []).base));
  expect(chosen.size).toBeGreaterThan(10);
});

test("when nothing is free the error says what to do", () => {
  expect(() => choosePool("berth", [parseSubnet("0.0.0.0/1"), parseSubnet("128.0.0.0/1")])).toThrow(
    "--network host, none",
  );
});

test("the pools are docker's and do not overlap each other", () => {
  expect(DEFAULT_POOLS.map(formatSubnet).slice(13, 17)).toEqual([
    "172.30.0.0/16",
    "172.31.0.0/16",
    "192.168.0.0/20",
    "192.168.16.0/20",
  ]);
  const clash = DEFAULT_POOLS.some((a, i) => DEFAULT_POOLS.some((b, j) => i !== j && overlaps(a, b)));
  expect(clash).toBe(false);
});

test.each([
  "172.17.0.0",
  "172.17.0.0/33",
  "172.17.0/16",
  "172.17.0.0/-1",
  "256.0.0.0/8",
  "01.0.0.0/8",
  "1.2.3.4/8/9x",
])("%s is no subnet", (text) => {
  expect(() => parseSubnet(text)).toThrow(/^invalid/);
});

test("bits behind the prefix do not count, up to the highest address", () => {
  expect(formatSubnet(subnetOf(0xffffffff, 20))).toBe("255.255.240.0/20");
  expect(formatSubnet(parseSubnet("192.168.129.7/20"))).toBe("192.168.128.0/20");
  expect(formatSubnet(parseSubnet("1.2.3.4/0"))).toBe("0.0.0.0/0");
});
