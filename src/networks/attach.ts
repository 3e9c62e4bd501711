/** An endpoint as netlink messages: the host's end of the veth, and what the container says inside its own namespace. */
import { addAddress, addDefaultRoute, setForwarding, setNeighbour } from "../kernel/netlink-address.ts";
import {
  createVeth,
  type Link,
  LOOPBACK_INDEX,
  setLinkUp,
  withoutLinkLocal,
} from "../kernel/netlink-link.ts";
import type { Step } from "../kernel/netlink.ts";
import type { Bridge } from "./bridge.ts";
import { type Endpoint, hostInterface } from "./endpoint.ts";
import { formatIpv4 } from "./ipv4.ts";
import type { NetlinkStep } from "./plan.ts";

/** Ours to choose, because it comes with the message that makes the device. Far from 2, which a tunnel driver may have taken. */
const INSIDE_INDEX = 1000;
const INSIDE_NAME = "eth0";

/** Performed by the engine, in one send(), as soon as the container's namespace exists. */
export function outsideSteps(endpoint: Endpoint, link: Link, place: { pid: number; index: number }): Step[] {
  const { mac, address } = endpoint;
  const { pid, index } = place;
  const name = hostInterface(endpoint);
  const peer = { name: INSIDE_NAME, index: INSIDE_INDEX, mac, pid };
  const veth = createVeth({ name, index, bridgeIndex: link.index, mtu: link.mtu, peer });
  return [
    { what: `create veth "${name}" on bridge "${link.name}"`, message: veth },
    { what: `set up veth "${name}"`, message: withoutLinkLocal(index) },
    { what: `add neighbour ${address}`, message: setNeighbour({ address, mac, interfaceIndex: link.index }) },
    { what: `add forwarding entry of ${mac}`, message: setForwarding({ mac, interfaceIndex: index }) },
  ];
}

/** The same as commands, for people. */
export function outsideCommands(endpoint: Endpoint, bridge: Bridge): string[] {
  const name = hostInterface(endpoint);
  const { mac, address } = endpoint;
  return [
    `ip link add ${name} numtxqueues 1 numrxqueues 1 master ${bridge.name} up type veth peer name ${INSIDE_NAME} address ${mac} netns $PID`,
    `ip link set ${name} addrgenmode none`,
    `ip neighbour replace ${address} lladdr ${mac} dev ${bridge.name} nud permanent`,
    `bridge fdb replace ${mac} dev ${name} master static sticky`,
  ];
}

/** Sent by the container's own process before it drops its rights. The gateway's neighbour entry saves a broadcast to every port. */
export function insideSteps(endpoint: Endpoint, bridge: Bridge): NetlinkStep[] {
  const { address } = endpoint;
  const { gateway, mac } = bridge;
  const { prefixLength } = bridge.subnet;
  const interfaceIndex = INSIDE_INDEX;
  return [
    loopbackUp(),
    one(`ip link set ${INSIDE_NAME} addrgenmode none`, withoutLinkLocal(interfaceIndex)),
    one(
      `ip address add ${address}/${prefixLength} broadcast + dev ${INSIDE_NAME}`,
      addAddress({ address, prefixLength, interfaceIndex }),
    ),
    one(`ip link set ${INSIDE_NAME} up`, setLinkUp(interfaceIndex)),
    one(`ip route add default via ${gateway}`, addDefaultRoute(gateway)),
    one(
      `ip neighbour replace ${gateway} lladdr ${mac} dev ${INSIDE_NAME} nud permanent`,
      setNeighbour({ address: gateway, mac, interfaceIndex }),
    ),
  ];
}

export function loopbackUp(): NetlinkStep {
  return one("ip link set lo up", setLinkUp(LOOPBACK_INDEX));
}

function one(label: string, messages: Uint8Array): NetlinkStep {
  return { label, messages, count: 1 };
}

/** A bridge's or an engine's own MAC: locally administered, random. */
export function randomMac(): string {
  return `02:42:${crypto
    .getRandomValues(new Uint8Array(4))
    .toHex()
    .replaceAll(/(..)(?=.)/g, "$1:")}`;
}

export function firstHost(base: number): string {
  return formatIpv4(base + 1);
}
