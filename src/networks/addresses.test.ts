import { expect, test } from "bun:test";
import fc from "fast-check";
import { Addresses } from "./addresses.ts";
import { formatIpv4, parseIpv4, parseSubnet } from "./ipv4.ts";

const subnet = parseSubnet("172.17.0.0/16");
const gateway = parseIpv4("172.17.0.1");
const small = parseSubnet("10.0.0.0/29");

test("the first container gets .2, and a freed address comes back first", () => {
  const addresses = new Addresses(subnet, gateway);
  const [first, second, third] = [addresses.next(), addresses.next(), addresses.next()].map(formatIpv4);
  expect([first, second, third]).toEqual(["172.17.0.2", "172.17.0.3", "172.17.0.4"]);
  addresses.free(parseIpv4("172.17.0.3"));
  expect(formatIpv4(addresses.next())).toBe("172.17.0.3");
  expect(formatIpv4(addresses.next())).toBe("172.17.0.5");
});

test("network, gateway and broadcast addresses are never given out, and the end is an error with what to do", () => {
  const addresses = new Addresses(small, parseIpv4("10.0.0.1"));
  const given = Array.from({ length: 5 }, () => formatIpv4(addresses.next()));
  expect(given).toEqual(["10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.5", "10.0.0.6"]);
  expect(() => addresses.next()).toThrow(
    "no available IPv4 addresses on 10.0.0.0/29: stop a container first",
  );
  addresses.free(parseIpv4("10.0.0.4"));
  expect(formatIpv4(addresses.next())).toBe("10.0.0.4");
});

test("all 65,533 of a /16 can be had, each once", () => {
  const addresses = new Addresses(subnet, gateway);
  const given = new Set(Array.from({ length: 65_533 }, () => addresses.next()));
  expect(given.size).toBe(65_533);
  expect(() => addresses.next()).toThrow("no available");
});

test("an address outside is refused", () => {
  expect(() => new Addresses(small, gateway)).toThrow("172.17.0.1 is not in 10.0.0.0/29");
});

test("whatever is taken and freed, the next one is the lowest that is free", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(40), { maxLength: 200 }), (moves) => {
      const addresses = new Addresses(subnet, gateway);
      const used = new Set<number>();
      for (const move of moves) {
        const victim = [...used][move];
        if (victim !== undefined) {
          used.delete(victim);
          addresses.free(victim);
          continue;
        }
        const next = addresses.next();
        let lowest = gateway + 1;
        while (used.has(lowest)) lowest++;
        expect(next).toBe(lowest);
        used.add(next);
      }
    }),
  );
});
