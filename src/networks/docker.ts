/** Beside a real dockerd: its FORWARD chain drops what it does not know, and in nf_tables every table must accept. */
import {
  ACCEPT,
  beginBatch,
  comment,
  deleteRule,
  dumpRules,
  endBatch,
  getChain,
  inputInterface,
  insertRule,
  NFTA_CHAIN_POLICY,
  NFTA_RULE_HANDLE,
  NFTA_RULE_USERDATA,
  outputInterface,
  verdict,
} from "../kernel/nftables-message.ts";
import type { Netlink, Step } from "../kernel/netlink.ts";
import { decodeAttributes } from "../kernel/netlink-message.ts";
import { absentOr } from "./firewall.ts";

const TABLE = "filter";
const DROP = "00000000";

/** DOCKER-USER is the chain that dockerd leaves to others; without it, FORWARD itself when its policy is drop. */
export function ensureForwardAccept(netfilter: Netlink, bridge: string): void {
  const chain = chainToOpen(netfilter);
  if (chain === undefined || ours(netfilter, chain, bridge).length > 0) return;
  const userdata = comment(mark(bridge));
  const rules = [inputInterface(bridge), outputInterface(bridge)].map((match): Step => ({
    what: `nftables: accept "${bridge}" in chain ${chain}`,
    message: insertRule({ table: TABLE, chain, expressions: [match, verdict(ACCEPT)], userdata }),
  }));
  netfilter.batch(beginBatch(), rules, endBatch());
}

export function removeForwardAccept(netfilter: Netlink, bridge: string): void {
  const steps = ["DOCKER-USER", "FORWARD"].flatMap((chain) =>
    ours(netfilter, chain, bridge).map((handle): Step => ({
      what: `nftables: remove our rule from chain ${chain}`,
      message: deleteRule(TABLE, chain, handle),
    })),
  );
  if (steps.length > 0) absentOr(() => netfilter.batch(beginBatch(), steps, endBatch()));
}

function chainToOpen(netfilter: Netlink): string | undefined {
  if (findChain(netfilter, "DOCKER-USER") !== undefined) return "DOCKER-USER";
  return findChain(netfilter, "FORWARD")?.get(NFTA_CHAIN_POLICY)?.toHex() === DROP ? "FORWARD" : undefined;
}

function findChain(netfilter: Netlink, name: string): Map<number, Uint8Array> | undefined {
  const answers = absentOr(() => netfilter.request(`nftables: find chain ${name}`, getChain(TABLE, name)));
  const [answer] = answers ?? [];
  return answer === undefined ? undefined : decodeAttributes(answer.body.subarray(4));
}

/** Handles of the rules that carry our mark. */
function ours(netfilter: Netlink, name: string, bridge: string): Uint8Array[] {
  const expected = comment(mark(bridge)).toHex();
  const answers =
    absentOr(() => netfilter.dump(`nftables: list chain ${name}`, dumpRules(TABLE, name))) ?? [];
  return answers
    .map(({ body }) => decodeAttributes(body.subarray(4)))
    .filter((rule) => rule.get(NFTA_RULE_USERDATA)?.toHex() === expected)
    .flatMap((rule) => rule.get(NFTA_RULE_HANDLE) ?? []);
}

function mark(bridge: string): string {
  return `berth: ${bridge}`;
}
