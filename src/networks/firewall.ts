/** The instance's table of nf_tables: who is masqueraded, what may be forwarded. The number of rules does not grow with containers. */
import {
  ACCEPT,
  addChain,
  addInterfaces,
  addInterfaceSet,
  addTable,
  appendRule,
  beginBatch,
  comment,
  deleteTable,
  DROP,
  endBatch,
  establishedOrRelated,
  type Expression,
  getGeneration,
  getTable,
  HOOK_FORWARD,
  HOOK_POSTROUTING,
  inputInterface,
  masquerade,
  NFTA_GEN_ID,
  NFTA_TABLE_USERDATA,
  notOutputInterface,
  outputInterface,
  outputInterfaceIn,
  PRIORITY_FILTER,
  PRIORITY_SRCNAT,
  sourceIn,
  verdict,
} from "../kernel/nftables-message.ts";
import { ENOENT, NetlinkError } from "../kernel/netlink-error.ts";
import { ipv4Bytes } from "../kernel/netlink-address.ts";
import { decodeAttributes, readText } from "../kernel/netlink-message.ts";
import type { Netlink, Step } from "../kernel/netlink.ts";
import type { Bridge } from "./bridge.ts";
import { formatIpv4, formatSubnet, maskOf } from "./ipv4.ts";

const BRIDGES = "bridges";

/**
 * The whole table, as `nft list table ip berth` shows it:
 *
 *   set bridges { type ifname; elements = { "berth0" } }
 *   chain forward { type filter hook forward priority filter; policy accept;
 *     oifname @bridges ct state established,related accept
 *     iifname "berth0" oifname "berth0" accept
 *     oifname @bridges drop }               no port is published yet: nobody outside opens a connection inwards
 *   chain postrouting { type nat hook postrouting priority srcnat; policy accept;
 *     ip saddr 172.17.0.0/16 oifname != "berth0" masquerade }
 */
export function tableSteps(table: string, { name, subnet }: Bridge): Step[] {
  const rule = (chain: string, ...expressions: Expression[][]): Uint8Array =>
    appendRule({ table, chain, expressions });
  const network = ipv4Bytes(formatIpv4(subnet.base));
  const mask = ipv4Bytes(formatIpv4(maskOf(subnet.prefixLength)));
  const step = (what: string, message: Uint8Array): Step => ({ what: `nftables: ${what}`, message });
  return [
    step("make the set of bridges", addInterfaceSet(table, BRIDGES, 1)),
    step("fill the set of bridges", addInterfaces(table, BRIDGES, [name])),
    step(
      "make chain forward",
      addChain({ table, name: "forward", type: "filter", hook: HOOK_FORWARD, priority: PRIORITY_FILTER }),
    ),
    step(
      "accept answers",
      rule("forward", outputInterfaceIn(BRIDGES), establishedOrRelated(), verdict(ACCEPT)),
    ),
    step("accept neighbours", rule("forward", inputInterface(name), outputInterface(name), verdict(ACCEPT))),
    step("drop other traffic inwards", rule("forward", outputInterfaceIn(BRIDGES), verdict(DROP))),
    step(
      "make chain postrouting",
      addChain({
        table,
        name: "postrouting",
        type: "nat",
        hook: HOOK_POSTROUTING,
        priority: PRIORITY_SRCNAT,
      }),
    ),
    step(
      `masquerade ${formatSubnet(subnet)}`,
      rule("postrouting", sourceIn(network, mask), notOutputInterface(name), masquerade()),
    ),
  ];
}

/** Makes the table as it must be, in one transaction; does nothing when it is that already. */
export function ensureTable(netfilter: Netlink, table: string, bridge: Bridge): void {
  const steps = tableSteps(table, bridge);
  const mark = `berth ${digest(steps)}`;
  if (readMark(netfilter, table) === mark) return;
  netfilter.batch(
    beginBatch(),
    [
      { what: `nftables: make table "${table}"`, message: addTable(table) }, // so that the next line finds one
      { what: `nftables: clear table "${table}"`, message: deleteTable(table) },
      { what: `nftables: make table "${table}"`, message: addTable(table, comment(mark)) },
      ...steps,
    ],
    endBatch(),
  );
}

/** Gone afterwards; it may be so already. */
export function removeTable(netfilter: Netlink, table: string): void {
  const what = `nftables: remove table "${table}"`;
  absentOr(() => netfilter.batch(beginBatch(), [{ what, message: deleteTable(table) }], endBatch()));
}

/** Differs from the last answer when anybody has changed any rule since. */
export function generation(netfilter: Netlink): string {
  const [answer] = netfilter.request("nftables: ask for the generation", getGeneration());
  return (
    decodeAttributes(answer?.body.subarray(4) ?? new Uint8Array())
      .get(NFTA_GEN_ID)
      ?.toHex() ?? ""
  );
}

function readMark(netfilter: Netlink, table: string): string | undefined {
  const [answer] =
    absentOr(() => netfilter.request(`nftables: find table "${table}"`, getTable(table))) ?? [];
  const userdata = decodeAttributes(answer?.body.subarray(4) ?? new Uint8Array()).get(NFTA_TABLE_USERDATA);
  return readText(userdata?.subarray(2)); // behind type and length
}

function digest(steps: readonly Step[]): string {
  const hash = new Bun.CryptoHasher("sha256");
  for (const { message } of steps) hash.update(message);
  return hash.digest("hex").slice(0, 12);
}

/** undefined when the kernel has no such object. */
export function absentOr<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if (error instanceof NetlinkError && error.errno === ENOENT) return undefined;
    throw error;
  }
}
