import { expect, test } from "bun:test";
import { HOST_INTERFACE, hostInterface, macOf, parseMac } from "./endpoint.ts";
import { parseIpv4 } from "./ipv4.ts";

test("the MAC is made of the address, as docker makes it", () => {
  expect(macOf(parseIpv4("172.17.0.2"))).toBe("02:42:ac:11:00:02");
  expect(macOf(parseIpv4("192.168.128.255"))).toBe("02:42:c0:a8:80:ff");
});

test("a host interface's name fits the kernel's 15 characters and is known again", () => {
  const name = hostInterface({ id: "0123456789ab".padEnd(64, "f") });
  expect(name).toBe("v0123456789a");
  expect(name).toMatch(HOST_INTERFACE);
});

test("a MAC of the user's is normalised", () => {
  expect(parseMac("92-D0-C6-0A-29-33")).toBe("92:d0:c6:0a:29:33");
});

test.each(["", "92:d0:c6:0a:29", "92:d0:c6:0a:29:33:44", "92:d0:c6:0a:29:3g", "01:00:5e:00:00:01"])(
  "%p is no MAC for a device",
  (text) => {
    expect(() => parseMac(text)).toThrow("invalid MAC address");
  },
);
