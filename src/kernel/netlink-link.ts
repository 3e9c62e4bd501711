/** Messages about network devices: bridges, veths, up, down, what exists. Numbers from linux/if_link.h and linux/veth.h. */
import {
  attribute,
  concat,
  decodeAttributes,
  message,
  nested,
  NLM_F_ACK,
  NLM_F_CREATE,
  NLM_F_DUMP,
  NLM_F_EXCL,
  readText,
  readU32,
  type Received,
  text,
  u32,
  u8,
} from "./netlink-message.ts";

const RTM_NEWLINK = 16;
const RTM_DELLINK = 17;
const RTM_GETLINK = 18;
const RTM_SETLINK = 19;
const IFF_UP = 1;
const IFLA_ADDRESS = 1;
const IFLA_IFNAME = 3;
const IFLA_MTU = 4;
const IFLA_MASTER = 10;
const IFLA_LINKINFO = 18;
const IFLA_NET_NS_PID = 19;
const IFLA_AF_SPEC = 26;
const IFLA_NET_NS_FD = 28;
const IFLA_EXT_MASK = 29;
const IFLA_NUM_TX_QUEUES = 31;
const IFLA_NUM_RX_QUEUES = 32;
const IFLA_TARGET_NETNSID = 46;
const IFLA_NEW_IFINDEX = 49;
const RTEXT_FILTER_SKIP_STATS = 8;
const IFLA_INFO_KIND = 1;
const IFLA_INFO_DATA = 2;
const IFLA_INET6_ADDR_GEN_MODE = 8;
const IN6_ADDR_GEN_MODE_NONE = 1;
const VETH_INFO_PEER = 1;
const AF_INET6 = 10;

export const LOOPBACK_INDEX = 1;

export interface Link {
  readonly index: number;
  readonly name: string;
  readonly up: boolean;
  readonly mtu: number;
  readonly mac?: string | undefined;
  /** Index of the bridge that it is a port of. */
  readonly master?: number | undefined;
  /** "bridge", "veth"; absent for hardware. */
  readonly kind?: string | undefined;
}

export interface Veth {
  readonly name: string;
  /** Chosen by us, so that the messages beside and inside can name it before it exists. */
  readonly index: number;
  readonly bridgeIndex: number;
  readonly mtu: number;
  readonly peer: {
    readonly name: string;
    readonly index: number;
    readonly mac: string;
    readonly pid: number;
  };
}

/** struct ifinfomsg. */
function header(options: { index?: number; flags?: number; change?: number } = {}): Uint8Array {
  const { index = 0, flags = 0, change = 0 } = options;
  return concat([u32(0), u32(index), u32(flags), u32(change)]);
}

const UP = { flags: IFF_UP, change: IFF_UP };

/** Both ends in one message: the host's is a port of the bridge and up, the other is born in the namespace of `peer.pid`. */
export function createVeth({ name, index, bridgeIndex, mtu, peer }: Veth): Uint8Array {
  // One queue: without it the kernel makes one per cpu on both ends, which costs more than all the rest.
  const queues = [attribute(IFLA_NUM_TX_QUEUES, u32(1)), attribute(IFLA_NUM_RX_QUEUES, u32(1))];
  const other = concat([
    header({ index: peer.index }),
    attribute(IFLA_IFNAME, text(peer.name)),
    attribute(IFLA_ADDRESS, macBytes(peer.mac)),
    attribute(IFLA_MTU, u32(mtu)),
    attribute(IFLA_NET_NS_PID, u32(peer.pid)),
    ...queues,
  ]);
  return message(
    RTM_NEWLINK,
    NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL,
    header({ index, ...UP }),
    attribute(IFLA_IFNAME, text(name)),
    attribute(IFLA_MTU, u32(mtu)),
    attribute(IFLA_MASTER, u32(bridgeIndex)),
    ...queues,
    nested(
      IFLA_LINKINFO,
      attribute(IFLA_INFO_KIND, text("veth")),
      nested(IFLA_INFO_DATA, nested(VETH_INFO_PEER, other)),
    ),
  );
}

/** Its own MAC address: a bridge without one takes the lowest of its ports, and neighbours would have to learn it again. */
export function createBridge(bridge: { name: string; mac: string; mtu: number }): Uint8Array {
  return message(
    RTM_NEWLINK,
    NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL,
    header(),
    attribute(IFLA_IFNAME, text(bridge.name)),
    attribute(IFLA_ADDRESS, macBytes(bridge.mac)),
    attribute(IFLA_MTU, u32(bridge.mtu)),
    nested(IFLA_LINKINFO, attribute(IFLA_INFO_KIND, text("bridge"))),
  );
}

/** No IPv6 address of its own accord: its solicitations would be copied to every port of the bridge. */
export function withoutLinkLocal(index: number): Uint8Array {
  const mode = attribute(IFLA_INET6_ADDR_GEN_MODE, u8(IN6_ADDR_GEN_MODE_NONE));
  return message(RTM_SETLINK, NLM_F_ACK, header({ index }), nested(IFLA_AF_SPEC, nested(AF_INET6, mode)));
}

/** Into another network namespace, with another name and index there. It is down then, and its addresses are gone. */
export function moveLink(index: number, to: { namespace: number; name: string; index: number }): Uint8Array {
  return message(
    RTM_NEWLINK,
    NLM_F_ACK,
    header({ index }),
    attribute(IFLA_NET_NS_FD, u32(to.namespace)),
    attribute(IFLA_IFNAME, text(to.name)),
    attribute(IFLA_NEW_IFINDEX, u32(to.index)),
  );
}

export function setLinkUp(index: number): Uint8Array {
  return message(RTM_SETLINK, NLM_F_ACK, header({ index, ...UP }));
}

export function setLinkMac(index: number, mac: string): Uint8Array {
  return message(RTM_SETLINK, NLM_F_ACK, header({ index }), attribute(IFLA_ADDRESS, macBytes(mac)));
}

export function setLinkMtu(index: number, mtu: number): Uint8Array {
  return message(RTM_SETLINK, NLM_F_ACK, header({ index }), attribute(IFLA_MTU, u32(mtu)));
}

/** Waits for RCU (about 20 ms): never for a veth on a container's way; it dies with its namespace. */
export function deleteLink(index: number): Uint8Array {
  return message(RTM_DELLINK, NLM_F_ACK, header({ index }));
}

export function getLink(by: { index: number } | { name: string }): Uint8Array {
  if ("index" in by) return message(RTM_GETLINK, NLM_F_ACK, header(by));
  return message(RTM_GETLINK, NLM_F_ACK, header(), attribute(IFLA_IFNAME, text(by.name)));
}

/**
 * The same, for its effect: the kernel notices a link that came up only later, in a work queue, and until then drops what is sent. It
 * catches up on a device that is asked for (net/core/link_watch.c: linkwatch_sync_dev, since Linux 6.8). `namespace` is the id of
 * another network namespace in ours.
 */
export function settleLink(name: string, namespace?: number): Uint8Array {
  return message(
    RTM_GETLINK,
    NLM_F_ACK,
    header(),
    attribute(IFLA_IFNAME, text(name)),
    attribute(IFLA_EXT_MASK, u32(RTEXT_FILTER_SKIP_STATS)),
    ...(namespace === undefined ? [] : [attribute(IFLA_TARGET_NETNSID, u32(namespace))]),
  );
}

export function dumpLinks(): Uint8Array {
  return message(RTM_GETLINK, NLM_F_DUMP, header());
}

export function decodeLink({ body }: Received): Link {
  const attributes = decodeAttributes(body.subarray(16));
  const info = attributes.get(IFLA_LINKINFO);
  return {
    index: readU32(body, 4) ?? 0,
    name: readText(attributes.get(IFLA_IFNAME)) ?? "",
    up: ((readU32(body, 8) ?? 0) & IFF_UP) !== 0,
    mtu: readU32(attributes.get(IFLA_MTU)) ?? 0,
    mac: macText(attributes.get(IFLA_ADDRESS)),
    master: readU32(attributes.get(IFLA_MASTER)),
    kind: info === undefined ? undefined : readText(decodeAttributes(info).get(IFLA_INFO_KIND)),
  };
}

export function macBytes(mac: string): Uint8Array {
  return Uint8Array.from(mac.split(":"), (part) => Number.parseInt(part, 16));
}

export function macText(bytes: Uint8Array | undefined): string | undefined {
  return bytes === undefined
    ? undefined
    : Array.from(bytes, (each) => each.toString(16).padStart(2, "0")).join(":");
}
