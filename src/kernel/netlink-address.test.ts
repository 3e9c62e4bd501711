import { expect, test } from "bun:test";
import {
  addAddress,
  addDefaultRoute,
  decodeAddress,
  decodeRoute,
  deleteAddress,
  deleteNeighbour,
  setForwarding,
  setNeighbour,
} from "./netlink-address.ts";
import { decodeMessages, type Received } from "./netlink-message.ts";

const hex = (bytes: Uint8Array): string => bytes.toHex().replaceAll(/(.{8})(?=.)/g, "$1 ");
const received = (bytes: Uint8Array): Received =>
  decodeMessages(bytes)[0] ?? { type: 0, flags: 0, sequence: 0, body: bytes };

test("an address carries its broadcast address", () => {
  expect(hex(addAddress({ address: "172.17.0.2", prefixLength: 16, interfaceIndex: 1000 }))).toBe(
    "30000000 14000506 00000000 00000000 02108000 e8030000 08000200 ac110002 08000100 ac110002 08000400 ac11ffff",
  );
});

test("an address is deleted by itself and its device", () => {
  expect(hex(deleteAddress({ address: "172.17.0.1", prefixLength: 16, interfaceIndex: 3 }))).toBe(
    "20000000 15000500 00000000 00000000 02100000 03000000 08000200 ac110001",
  );
});

test.each([
  [20, "c0a8 8fff"],
  [24, "c0a8 80ff"],
  [16, "c0a8 ffff"],
  [32, "c0a8 8002"],
  [8, "c0ff ffff"],
])("the broadcast address of a /%d is %s", (prefixLength, expected) => {
  const bytes = addAddress({ address: "192.168.128.2", prefixLength, interfaceIndex: 1 });
  expect(bytes.subarray(-4).toHex()).toBe(expected.replace(" ", ""));
});

test("the default route is what `ip route add default via` sends", () => {
  expect(hex(addDefaultRoute("172.17.0.1"))).toBe(
    "24000000 18000506 00000000 00000000 02000000 fe030001 00000000 08000500 ac110001",
  );
});

test("a neighbour is permanent and replaces another", () => {
  expect(hex(setNeighbour({ address: "172.17.0.1", mac: "02:42:ac:11:00:01", interfaceIndex: 1000 }))).toBe(
    "30000000 1c000505 00000000 00000000 02000000 e8030000 80000000 08000100 ac110001 0a000200 0242ac11 00010000",
  );
});

test("a forwarding entry is static, sticky and the bridge's", () => {
  expect(hex(setForwarding({ mac: "02:42:ac:11:00:02", interfaceIndex: 9 }))).toBe(
    "28000000 1c000505 00000000 00000000 07000000 09000000 40004400 0a000200 0242ac11 00020000",
  );
});

test("a neighbour is deleted by address", () => {
  expect(hex(deleteNeighbour("172.17.0.2", 3))).toBe(
    "24000000 1d000500 00000000 00000000 02000000 03000000 00000000 08000100 ac110002",
  );
});

test("addresses and routes are read back", () => {
  const address = { address: "10.1.2.3", prefixLength: 24, interfaceIndex: 5 };
  expect(decodeAddress(received(addAddress(address)))).toEqual(address);
  const route = { address: "0.0.0.0", prefixLength: 0, table: 254, interfaceIndex: 0 };
  expect(decodeRoute(received(addDefaultRoute("10.1.2.1")))).toEqual(route);
});
