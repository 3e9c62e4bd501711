import { expect, test } from "bun:test";
import { ipv4Bytes } from "./netlink-address.ts";
import {
  addChain,
  addInterfaces,
  appendRule,
  beginBatch,
  comment,
  endBatch,
  establishedOrRelated,
  HOOK_POSTROUTING,
  insertRule,
  masquerade,
  notOutputInterface,
  PRIORITY_SRCNAT,
  sourceIn,
  verdict,
} from "./nftables-message.ts";

const hex = (bytes: Uint8Array): string => bytes.toHex().replaceAll(/(.{8})(?=.)/g, "$1 ");

test("a transaction is framed for the subsystem of nf_tables", () => {
  expect(hex(beginBatch())).toBe("14000000 10000100 00000000 00000000 0000000a");
  expect(hex(endBatch())).toBe("14000000 11000100 00000000 00000000 0000000a");
});

test("the masquerade rule of the default bridge, expression by expression", () => {
  const network = sourceIn(ipv4Bytes("172.17.0.0"), ipv4Bytes("255.255.0.0"));
  const bytes = appendRule({
    table: "berth",
    chain: "postrouting",
    expressions: [network, notOutputInterface("berth0"), masquerade()],
  });
  const lines = [
    "48010000 060a050c 00000000 00000000 02000000", // NEWRULE, REQUEST|ACK|CREATE|APPEND, family ip
    "0a000100 62657274 68000000 10000200 706f7374 726f7574 696e6700", // table, chain
    "18010480", // expressions
    "34000180 0c000100 7061796c 6f616400", // payload
    "24000280 08000100 00000001 08000200 00000001 08000300 0000000c 08000400 00000004", // 4 bytes at 12 of the network header
    "44000180 0c000100 62697477 69736500", // bitwise
    "34000280 08000100 00000001 08000200 00000001 08000300 00000004 0c000480 08000100 ffff0000 0c000580 08000100 00000000",
    "2c000180 08000100 636d7000 20000280 08000100 00000001 08000200 00000000 0c000380 08000100 ac110000", // == 172.17.0.0
    "24000180 09000100 6d657461 00000000 14000280 08000100 00000001 08000200 00000007", // meta oifname
    "38000180 08000100 636d7000 2c000280 08000100 00000001 08000200 00000001", // !=
    "18000380 14000100 62657274 68300000 00000000 00000000", // "berth0", all 16 bytes
    "14000180 09000100 6d617371 00000000 04000280", // masq
  ];
  expect(hex(bytes)).toBe(lines.join(" "));
});

test("connection states are the one number in host order", () => {
  const [, mask] = establishedOrRelated().map(hex);
  expect(mask).toContain("0c000480 08000100 06000000");
});

test("a verdict goes to register 0", () => {
  const [accept = new Uint8Array()] = verdict(1);
  expect(hex(accept)).toEndWith("1c000280 08000100 00000000 10000280 0c000280 08000100 00000001");
});

test("insert and append differ in one flag", () => {
  const rule = { table: "t", chain: "c", expressions: [] };
  expect(hex(appendRule(rule)).slice(9, 17)).toBe("060a050c");
  expect(hex(insertRule(rule)).slice(9, 17)).toBe("060a0504");
});

test("a base chain has its type, hook, priority and accepts", () => {
  const bytes = addChain({
    table: "t",
    name: "c",
    type: "nat",
    hook: HOOK_POSTROUTING,
    priority: PRIORITY_SRCNAT,
  });
  expect(hex(bytes)).toBe(
    "48000000 030a0504 00000000 00000000 02000000 06000100 74000000 06000300 63000000 " +
      "14000480 08000100 00000004 08000200 00000064 08000500 00000001 08000700 6e617400",
  );
});

test("set elements are names of 16 bytes; a comment is as nft(8) reads it", () => {
  expect(hex(addInterfaces("t", "s", ["br0"]))).toEndWith("14000100 62723000 00000000 00000000 00000000");
  expect(comment("hi").toHex()).toBe("0003686900");
});
