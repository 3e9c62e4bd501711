/** An endpoint as netlink messages: the host's end of the veth, and what the container says inside its own namespace. */
import { addAddress, addDefaultRoute, setForwarding, setNeighbour } from "../kernel/netlink-address.ts";
import {
  createVeth,
  type Link,
  LOOPBACK_INDEX,
  setLinkUp,
  settleLink,
  withoutLinkLocal,
} from "../kernel/netlink-link.ts";
import type { Step } from "../kernel/netlink.ts";
import type { Bridge } from "./bridge.ts";
import { type Endpoint, hostInterface } from "./endpoint.ts";
import { concat } from "../kernel/netlink-message.ts";
import { formatIpv4, formatSubnet } from "./ipv4.ts";
import type { NetlinkMessages, NetlinkStep } from "./plan.ts";

/** Ours to choose, because it comes with the message that makes the device. Far from 2, which a tunnel driver may have taken. */
const INSIDE_INDEX = 1000;
const INSIDE_NAME = "eth0";
/** What a new namespace calls the host's, once it has seen where the other end of its veth is: the first id there is. */
const HOST_NAMESPACE = 0;

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

/** The same as commands, for people and for the script of --explain; they begin with the bridge where it is not there yet. */
export function outsideCommands(endpoint: Endpoint, bridge: Bridge, table: string): string[] {
  const name = hostInterface(endpoint);
  const { mac, address } = endpoint;
  return [
    `ip link show ${bridge.name} >/dev/null 2>&1 || { ${bridgeCommands(bridge, table).join("; ")}; }`,
    `ip link add ${name} numtxqueues 1 numrxqueues 1 master ${bridge.name} up type veth peer name ${INSIDE_NAME} address ${mac} netns $PID`,
    `ip link set ${name} addrgenmode none`,
    `ip neighbour replace ${address} lladdr ${mac} dev ${bridge.name} nud permanent`,
    `bridge fdb replace ${mac} dev ${name} master static sticky`,
  ];
}

function bridgeCommands({ name, mac, gateway, subnet }: Bridge, table: string): string[] {
  return [
    `ip link add ${name} address ${mac} type bridge`,
    `ip address add ${gateway}/${subnet.prefixLength} dev ${name}`,
    `ip link set ${name} up`,
    "echo 1 >/proc/sys/net/ipv4/ip_forward",
    `nft add table ip ${table}`,
    `nft add chain ip ${table} postrouting '{ type nat hook postrouting priority 100; }'`,
    `nft add rule ip ${table} postrouting ip saddr ${formatSubnet(subnet)} oifname != ${name} masquerade`,
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
    settled(endpoint, bridge),
  ];
}

/** Without it the first packet of a container may be lost while the kernel has not noticed yet that its port is up (a DNS query waits 5 s then). */
function settled(endpoint: Endpoint, bridge: Bridge): NetlinkStep {
  const messages = [
    settleLink(INSIDE_NAME), // which also gives the host's namespace its id here
    settleLink(hostInterface(endpoint), HOST_NAMESPACE),
    settleLink(bridge.name, HOST_NAMESPACE),
  ];
  const label = `ip link show ${INSIDE_NAME} >/dev/null # and the host's ends: they are up before the first packet`;
  const apart = {
    inside: together([settleLink(INSIDE_NAME)]),
    host: together([settleLink(hostInterface(endpoint)), settleLink(bridge.name)]),
  };
  return { label, ...together(messages), apart };
}

function together(messages: readonly Uint8Array[]): NetlinkMessages {
  return { messages: concat(messages), count: messages.length };
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
