/** The bridge in the kernel: made when the first container needs it, checked again when something looks wrong. */
import { readFileSync, writeFileSync } from "node:fs";
import { BerthError } from "../lib/error.ts";
import { ENODEV, NetlinkError } from "../kernel/netlink-error.ts";
import type { Netlink } from "../kernel/netlink.ts";
import {
  addAddress,
  decodeAddress,
  decodeRoute,
  deleteAddress,
  dumpAddresses,
  dumpRoutes,
  type Route,
} from "../kernel/netlink-address.ts";
import {
  createBridge,
  decodeLink,
  getLink,
  type Link,
  setLinkMac,
  setLinkMtu,
  setLinkUp,
  withoutLinkLocal,
} from "../kernel/netlink-link.ts";
import { formatSubnet, overlaps, parseIpv4, type Subnet, subnetOf } from "./ipv4.ts";

export interface Bridge {
  readonly name: string;
  readonly subnet: Subnet;
  readonly gateway: string;
  /** Fixed: containers hold it as a permanent neighbour. */
  readonly mac: string;
}

const IP_FORWARD = "/proc/sys/net/ipv4/ip_forward";
const DEFAULT_MTU = 1500;

/** May be called whenever in doubt; answers the bridge as the kernel has it. */
export function ensureBridge(route: Netlink, bridge: Bridge): Link {
  const mtu = uplinkMtu(route);
  const link = findLink(route, bridge.name) ?? makeBridge(route, bridge, mtu);
  if (link.kind !== "bridge") {
    throw new BerthError(
      "conflict",
      `network interface "${bridge.name}" exists and is no bridge: rename or remove it`,
    );
  }
  if (link.mac !== bridge.mac)
    route.request(`set MAC address of "${bridge.name}"`, setLinkMac(link.index, bridge.mac));
  if (link.mtu !== mtu) route.request(`set MTU of "${bridge.name}"`, setLinkMtu(link.index, mtu));
  ensureAddress(route, bridge, link.index);
  route.request(`set up "${bridge.name}"`, withoutLinkLocal(link.index));
  if (!link.up) route.request(`set up "${bridge.name}"`, setLinkUp(link.index));
  enableForwarding();
  return { ...link, mtu };
}

export function findLink(route: Netlink, name: string): Link | undefined {
  try {
    const [answer] = route.request(`find "${name}"`, getLink({ name }));
    return answer === undefined ? undefined : decodeLink(answer);
  } catch (error) {
    if (error instanceof NetlinkError && error.errno === ENODEV) return undefined;
    throw error;
  }
}

function makeBridge(route: Netlink, { name, mac }: Bridge, mtu: number): Link {
  route.request(`create bridge "${name}"`, createBridge({ name, mac, mtu }));
  const link = findLink(route, name);
  if (link === undefined)
    throw new BerthError("internal", `bridge "${name}" vanished as soon as it was made`);
  return link;
}

function ensureAddress(route: Netlink, { name, subnet, gateway }: Bridge, interfaceIndex: number): void {
  const addresses = route.dump("list addresses", dumpAddresses()).map(decodeAddress);
  const mine = addresses.filter((each) => each.interfaceIndex === interfaceIndex);
  if (mine.some(({ address, prefixLength }) => address === gateway && prefixLength === subnet.prefixLength))
    return;
  if (takenSubnets(route, interfaceIndex).some((taken) => overlaps(taken, subnet))) {
    throw new BerthError(
      "conflict",
      `the host reaches ${formatSubnet(subnet)} of bridge "${name}" by another route by now: remove that route, or stop all containers for a new choice`,
    );
  }
  for (const old of mine) route.request(`remove address ${old.address} of "${name}"`, deleteAddress(old)); // of a choice before this
  route.request(
    `add address ${gateway} to "${name}"`,
    addAddress({ address: gateway, prefixLength: subnet.prefixLength, interfaceIndex }),
  );
}

/** What the host reaches by routes and interfaces other than `exceptInterface`; the default route does not count. */
export function takenSubnets(route: Netlink, exceptInterface?: number): Subnet[] {
  const byRoute = listRoutes(route).filter((each) => each.prefixLength > 0);
  const byAddress = route.dump("list addresses", dumpAddresses()).map(decodeAddress);
  return [...byRoute, ...byAddress]
    .filter((each) => each.interfaceIndex !== exceptInterface)
    .map((each) => subnetOf(parseIpv4(each.address), each.prefixLength));
}

function listRoutes(route: Netlink): Route[] {
  return route.dump("list routes", dumpRoutes()).map(decodeRoute);
}

/** Packets that are larger than the way out would be lost without a word where "fragmentation needed" is filtered. */
function uplinkMtu(route: Netlink): number {
  const uplink = listRoutes(route).find(
    ({ prefixLength, interfaceIndex }) => prefixLength === 0 && interfaceIndex > 0,
  );
  if (uplink === undefined) return DEFAULT_MTU;
  const [answer] = route.request("look at the way out", getLink({ index: uplink.interfaceIndex }));
  return answer === undefined ? DEFAULT_MTU : Math.min(decodeLink(answer).mtu, DEFAULT_MTU);
}

function enableForwarding(): void {
  if (readFileSync(IP_FORWARD, "utf8").trim() === "1") return;
  try {
    writeFileSync(IP_FORWARD, "1");
  } catch (error) {
    throw new BerthError(
      "unavailable",
      `write ${IP_FORWARD}: ${String(error)}: containers cannot reach the outside`,
      { cause: error },
    );
  }
}
