import { expect, test } from "bun:test";
import {
  createVeth,
  decodeLink,
  macBytes,
  macText,
  setLinkUp,
  settleLink,
  withoutLinkLocal,
} from "./netlink-link.ts";
import { attribute, concat, nested, text, u32 } from "./netlink-message.ts";

const hex = (bytes: Uint8Array): string => bytes.toHex().replaceAll(/(.{8})(?=.)/g, "$1 ");

test("lo is brought up by one message of 32 bytes", () => {
  expect(hex(setLinkUp(1))).toBe("20000000 13000500 00000000 00000000 00000000 01000000 01000000 01000000");
});

test("a veth is one message: bridge, up, one queue, and its peer born elsewhere", () => {
  const peer = { name: "eth0", index: 1000, mac: "02:42:ac:11:00:02", pid: 4242 };
  const bytes = createVeth({ name: "v0123456789a", index: 0x100001, bridgeIndex: 7, mtu: 1400, peer });
  const lines = [
    "b4000000 10000506 00000000 00000000", // RTM_NEWLINK, REQUEST|ACK|EXCL|CREATE
    "00000000 01001000 01000000 01000000", // index 0x100001, IFF_UP and its mask
    "11000300 76303132 33343536 37383961 00000000", // IFLA_IFNAME
    "08000400 78050000", // IFLA_MTU 1400
    "08000a00 07000000", // IFLA_MASTER
    "08001f00 01000000 08002000 01000000", // IFLA_NUM_TX_QUEUES, IFLA_NUM_RX_QUEUES
    "60001280 09000100 76657468 00000000", // IFLA_LINKINFO, IFLA_INFO_KIND "veth"
    "50000280 4c000180 00000000 e8030000 00000000 00000000", // IFLA_INFO_DATA, VETH_INFO_PEER, index 1000, down
    "09000300 65746830 00000000 0a000100 0242ac11 00020000", // eth0, its MAC
    "08000400 78050000 08001300 92100000 08001f00 01000000 08002000 01000000", // MTU, IFLA_NET_NS_PID, queues
  ];
  expect(hex(bytes)).toBe(lines.join(" "));
});

test("IPv6 is told to make up no address", () => {
  const body = "00000000 e8030000 00000000 00000000 10001a80 0c000a80 05000800 01000000";
  expect(hex(withoutLinkLocal(1000))).toBe(`30000000 13000500 00000000 00000000 ${body}`);
});

test("a link in another namespace is asked for by name, without its statistics", () => {
  const attributes = "07000300 76310000 08001d00 08000000 08002e00 00000000";
  expect(hex(settleLink("v1", 0))).toBe(
    `38000000 12000500 00000000 00000000 00000000 00000000 00000000 00000000 ${attributes}`,
  );
});

test("a link is read with its kind and its bridge", () => {
  const body = concat([
    u32(0),
    u32(12),
    u32(0x1003),
    u32(0),
    attribute(3, text("v1")),
    attribute(4, u32(1400)),
    attribute(1, macBytes("02:42:00:00:00:0a")),
    attribute(10, u32(7)),
    nested(18, attribute(1, text("veth"))),
  ]);
  expect(decodeLink({ type: 16, flags: 0, sequence: 0, body })).toEqual({
    index: 12,
    name: "v1",
    up: true,
    mtu: 1400,
    mac: "02:42:00:00:00:0a",
    master: 7,
    kind: "veth",
  });
});

test("a MAC address survives both ways", () => {
  expect(macText(macBytes("02:42:ac:11:00:0f"))).toBe("02:42:ac:11:00:0f");
});
