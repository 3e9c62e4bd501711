/** Messages about IPv4 addresses, routes and neighbours. Numbers from linux/if_addr.h, linux/rtnetlink.h, linux/neighbour.h. */
import { macBytes } from "./netlink-link.ts";
import {
  attribute,
  concat,
  decodeAttributes,
  message,
  NLM_F_ACK,
  NLM_F_CREATE,
  NLM_F_DUMP,
  NLM_F_EXCL,
  NLM_F_REPLACE,
  readU32,
  type Received,
  u16,
  u32,
  u8,
} from "./netlink-message.ts";

const RTM_NEWADDR = 20;
const RTM_DELADDR = 21;
const RTM_GETADDR = 22;
const RTM_NEWROUTE = 24;
const RTM_GETROUTE = 26;
const RTM_NEWNEIGH = 28;
const RTM_DELNEIGH = 29;
const AF_BRIDGE = 7;
const AF_INET = 2;
const IFA_ADDRESS = 1;
const IFA_LOCAL = 2;
const IFA_BROADCAST = 4;
const IFA_FLAGS = 8;
/** It was used until now: nobody else has it. */
const IFA_F_NODAD = 0x02;
const IFA_F_PERMANENT = 0x80;
const RTA_DST = 1;
const RTA_OIF = 4;
const RTA_GATEWAY = 5;
const RT_TABLE_MAIN = 254;
const RTPROT_BOOT = 3;
const RT_SCOPE_UNIVERSE = 0;
const RTN_UNICAST = 1;
const NDA_DST = 1;
const NDA_LLADDR = 2;
const NUD_NOARP = 0x40;
const NUD_PERMANENT = 0x80;
const NTF_MASTER = 0x04;
const NTF_STICKY = 0x40;

export interface Route {
  /** Where it leads, dotted IPv4; 0.0.0.0/0 for the default route. */
  readonly address: string;
  readonly prefixLength: number;
  readonly table: number;
  readonly interfaceIndex: number;
}

export interface InterfaceAddress {
  readonly address: string;
  readonly prefixLength: number;
  readonly interfaceIndex: number;
}

export function addAddress({ address, prefixLength, interfaceIndex }: InterfaceAddress): Uint8Array {
  const bytes = ipv4Bytes(address);
  return message(
    RTM_NEWADDR,
    NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL,
    concat([u8(AF_INET), u8(prefixLength), u8(IFA_F_PERMANENT), u8(RT_SCOPE_UNIVERSE), u32(interfaceIndex)]),
    attribute(IFA_LOCAL, bytes),
    attribute(IFA_ADDRESS, bytes),
    attribute(IFA_BROADCAST, broadcast(bytes, prefixLength)),
  );
}

export function deleteAddress({ address, prefixLength, interfaceIndex }: InterfaceAddress): Uint8Array {
  return message(
    RTM_DELADDR,
    NLM_F_ACK,
    concat([u8(AF_INET), u8(prefixLength), u8(0), u8(RT_SCOPE_UNIVERSE), u32(interfaceIndex)]),
    attribute(IFA_LOCAL, ipv4Bytes(address)),
  );
}

export function dumpAddresses(): Uint8Array {
  return message(RTM_GETADDR, NLM_F_DUMP, concat([u8(AF_INET), u8(0), u16(0), u32(0)]));
}

/** Of IPv4 and IPv6, each as the kernel tells it. */
export function dumpAllAddresses(): Uint8Array {
  return message(RTM_GETADDR, NLM_F_DUMP, concat([u8(0), u8(0), u16(0), u32(0)]));
}

/** An address that somebody has given to a device, to be given to it again; undefined for what came by itself or means nothing elsewhere. */
export function lastingAddress({
  body,
}: Received): { interfaceIndex: number; again(index: number): Uint8Array } | undefined {
  const [family = 0, prefixLength = 0, short = 0, scope = 0] = body;
  const attributes = decodeAttributes(body.subarray(8));
  const flags = readU32(attributes.get(IFA_FLAGS)) ?? short;
  if (scope !== RT_SCOPE_UNIVERSE || (flags & IFA_F_PERMANENT) === 0) return undefined;
  const kept = [IFA_ADDRESS, IFA_LOCAL, IFA_BROADCAST].flatMap((type) => {
    const bytes = attributes.get(type);
    return bytes === undefined ? [] : [attribute(type, bytes)];
  });
  return {
    interfaceIndex: readU32(body, 4) ?? 0,
    again: (index) =>
      message(
        RTM_NEWADDR,
        NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL,
        concat([u8(family), u8(prefixLength), u8(0), u8(RT_SCOPE_UNIVERSE), u32(index)]),
        ...kept,
        attribute(IFA_FLAGS, u32(IFA_F_PERMANENT | (family === AF_INET ? 0 : IFA_F_NODAD))),
      ),
  };
}

export function decodeAddress({ body }: Received): InterfaceAddress {
  const attributes = decodeAttributes(body.subarray(8));
  const bytes = attributes.get(IFA_LOCAL) ?? attributes.get(IFA_ADDRESS);
  return { address: ipv4Text(bytes), prefixLength: body[1] ?? 0, interfaceIndex: readU32(body, 4) ?? 0 };
}

export function addDefaultRoute(gateway: string): Uint8Array {
  const kind = [RT_TABLE_MAIN, RTPROT_BOOT, RT_SCOPE_UNIVERSE, RTN_UNICAST];
  return message(
    RTM_NEWROUTE,
    NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL,
    Uint8Array.of(AF_INET, 0, 0, 0, ...kind, 0, 0, 0, 0),
    attribute(RTA_GATEWAY, ipv4Bytes(gateway)),
  );
}

export function dumpRoutes(): Uint8Array {
  return message(RTM_GETROUTE, NLM_F_DUMP, Uint8Array.of(AF_INET, ...Array.from({ length: 11 }, () => 0)));
}

export function decodeRoute({ body }: Received): Route {
  const attributes = decodeAttributes(body.subarray(12));
  return {
    address: ipv4Text(attributes.get(RTA_DST)),
    prefixLength: body[1] ?? 0,
    table: body[4] ?? 0,
    interfaceIndex: readU32(attributes.get(RTA_OIF)) ?? 0,
  };
}

export interface Neighbour {
  readonly address: string;
  readonly mac: string;
  readonly interfaceIndex: number;
}

/** Permanent: not asked for by broadcast, and not counted in the kernel's table limit. */
export function setNeighbour({ address, mac, interfaceIndex }: Neighbour): Uint8Array {
  return message(
    RTM_NEWNEIGH,
    NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE,
    neighbourHeader({ family: AF_INET, interfaceIndex, state: NUD_PERMANENT, flags: 0 }),
    attribute(NDA_DST, ipv4Bytes(address)),
    attribute(NDA_LLADDR, macBytes(mac)),
  );
}

export function deleteNeighbour(address: string, interfaceIndex: number): Uint8Array {
  return message(
    RTM_DELNEIGH,
    NLM_F_ACK,
    neighbourHeader({ family: AF_INET, interfaceIndex, state: 0, flags: 0 }),
    attribute(NDA_DST, ipv4Bytes(address)),
  );
}

/** Behind which port of its bridge a MAC address lives: nothing is flooded to find it, and no other port can claim it. */
export function setForwarding({ mac, interfaceIndex }: Omit<Neighbour, "address">): Uint8Array {
  return message(
    RTM_NEWNEIGH,
    NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE,
    neighbourHeader({ family: AF_BRIDGE, interfaceIndex, state: NUD_NOARP, flags: NTF_MASTER | NTF_STICKY }),
    attribute(NDA_LLADDR, macBytes(mac)),
  );
}

/** struct ndmsg. */
function neighbourHeader(of: {
  family: number;
  interfaceIndex: number;
  state: number;
  flags: number;
}): Uint8Array {
  return concat([u32(of.family), u32(of.interfaceIndex), u16(of.state), u8(of.flags), u8(0)]);
}

export function ipv4Bytes(address: string): Uint8Array {
  return Uint8Array.from(address.split("."), Number);
}

/** 0.0.0.0 where there is none. */
export function ipv4Text(bytes: Uint8Array | undefined): string {
  return bytes === undefined ? "0.0.0.0" : bytes.join(".");
}

function broadcast(address: Uint8Array, prefixLength: number): Uint8Array {
  return address.map((byte, index) => byte | (0xff >> Math.max(0, Math.min(8, prefixLength - index * 8))));
}
