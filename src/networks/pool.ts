/** Which subnet a bridge gets: docker's default pools, in docker's order, without those that the host reaches otherwise. */
import { BerthError } from "../lib/error.ts";
import { overlaps, parseSubnet, type Subnet } from "./ipv4.ts";

/** As daemon/libnetwork/ipamutils has them: 172.17 to 172.31 by /16, then 192.168 by /20. */
export const DEFAULT_POOLS: readonly Subnet[] = [
  ...Array.from({ length: 15 }, (_, index) => parseSubnet(`172.${17 + index}.0.0/16`)),
  ...Array.from({ length: 16 }, (_, index) => parseSubnet(`192.168.${16 * index}.0/20`)),
];

/** The first pool that overlaps nothing in `taken`. An instance with a root of its own begins elsewhere, so that two seldom compete. */
export function choosePool(instance: string, taken: readonly Subnet[]): Subnet {
  const first = firstPool(instance);
  const ordered = [...DEFAULT_POOLS.slice(first), ...DEFAULT_POOLS.slice(0, first)];
  const free = ordered.find((pool) => !taken.some((other) => overlaps(pool, other)));
  if (free !== undefined) return free;
  throw new BerthError(
    "unavailable",
    "no subnet is free for the default bridge: routes of this host overlap 172.17.0.0–172.31.255.255 and 192.168.0.0/16; " +
      "remove one (ip route), or run with --network host, none or container:ID",
  );
}

function firstPool(instance: string): number {
  return instance === "berth" ? 0 : Number(Bun.hash.crc32(instance)) % DEFAULT_POOLS.length;
}
