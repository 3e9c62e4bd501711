/** nf_tables over netlink: the few objects and expressions that berth's firewall is made of. Numbers from linux/netfilter/nf_tables.h. */
import {
  attribute,
  be32,
  concat,
  message,
  nested,
  NLM_F_ACK,
  NLM_F_APPEND,
  NLM_F_CREATE,
  NLM_F_DUMP,
  text,
  u32,
} from "./netlink-message.ts";

const NFNL_SUBSYS_NFTABLES = 10;
const NFNL_MSG_BATCH_BEGIN = 0x10;
const NFNL_MSG_BATCH_END = 0x11;
const NFPROTO_IPV4 = 2;
const MSG = {
  newTable: 0,
  getTable: 1,
  deleteTable: 2,
  newChain: 3,
  getChain: 4,
  newRule: 6,
  getRule: 7,
  deleteRule: 8,
  newSet: 9,
  newElement: 12,
  getGeneration: 16,
} as const;
const REGISTER_VERDICT = 0;
const REGISTER_1 = 1;
const IFNAME_SIZE = 16;
const TYPE_IFNAME = 41; // nft(8)'s own number of the type, for listings

/** Family header; every message of a table here is of family ip. */
function header(family: number, resource = 0): Uint8Array {
  return Uint8Array.of(family, 0, resource >> 8, resource & 0xff);
}

function command(kind: keyof typeof MSG, flags: number, ...attributes: readonly Uint8Array[]): Uint8Array {
  return message((NFNL_SUBSYS_NFTABLES << 8) | MSG[kind], flags, header(NFPROTO_IPV4), ...attributes);
}

export function beginBatch(): Uint8Array {
  return message(NFNL_MSG_BATCH_BEGIN, 0, header(0, NFNL_SUBSYS_NFTABLES));
}

export function endBatch(): Uint8Array {
  return message(NFNL_MSG_BATCH_END, 0, header(0, NFNL_SUBSYS_NFTABLES));
}

const NFTA_TABLE_NAME = 1;
export const NFTA_TABLE_USERDATA = 6;

export function addTable(name: string, userdata?: Uint8Array): Uint8Array {
  const note = userdata === undefined ? [] : [attribute(NFTA_TABLE_USERDATA, userdata)];
  return command("newTable", NLM_F_ACK | NLM_F_CREATE, attribute(NFTA_TABLE_NAME, text(name)), ...note);
}

/** ENOENT when there is none. */
export function deleteTable(name: string): Uint8Array {
  return command("deleteTable", NLM_F_ACK, attribute(NFTA_TABLE_NAME, text(name)));
}

export function getTable(name: string): Uint8Array {
  return command("getTable", NLM_F_ACK, attribute(NFTA_TABLE_NAME, text(name)));
}

const NFTA_CHAIN_TABLE = 1;
const NFTA_CHAIN_NAME = 3;
const NFTA_CHAIN_HOOK = 4;
export const NFTA_CHAIN_POLICY = 5;
const NFTA_CHAIN_TYPE = 7;
const NFTA_HOOK_HOOKNUM = 1;
const NFTA_HOOK_PRIORITY = 2;

export const HOOK_FORWARD = 2;
export const HOOK_POSTROUTING = 4;
export const PRIORITY_FILTER = 0;
export const PRIORITY_SRCNAT = 100;

export interface BaseChain {
  readonly table: string;
  readonly name: string;
  readonly type: "filter" | "nat";
  readonly hook: number;
  readonly priority: number;
}

/** A base chain whose policy is accept. */
export function addChain({ table, name, type, hook, priority }: BaseChain): Uint8Array {
  return command(
    "newChain",
    NLM_F_ACK | NLM_F_CREATE,
    attribute(NFTA_CHAIN_TABLE, text(table)),
    attribute(NFTA_CHAIN_NAME, text(name)),
    nested(
      NFTA_CHAIN_HOOK,
      attribute(NFTA_HOOK_HOOKNUM, be32(hook)),
      attribute(NFTA_HOOK_PRIORITY, be32(priority)),
    ),
    attribute(NFTA_CHAIN_POLICY, be32(ACCEPT)),
    attribute(NFTA_CHAIN_TYPE, text(type)),
  );
}

export function getChain(table: string, name: string): Uint8Array {
  return command(
    "getChain",
    NLM_F_ACK,
    attribute(NFTA_CHAIN_TABLE, text(table)),
    attribute(NFTA_CHAIN_NAME, text(name)),
  );
}

const NFTA_RULE_TABLE = 1;
const NFTA_RULE_CHAIN = 2;
export const NFTA_RULE_HANDLE = 3;
const NFTA_RULE_EXPRESSIONS = 4;
export const NFTA_RULE_USERDATA = 7;
const NFTA_LIST_ELEM = 1;
const NFTA_EXPR_NAME = 1;
const NFTA_EXPR_DATA = 2;

export type Expression = Uint8Array;

export interface Rule {
  readonly table: string;
  readonly chain: string;
  readonly expressions: readonly (readonly Expression[])[];
  /** Comes back in dumps: how a rule in a foreign chain is known again. */
  readonly userdata?: Uint8Array;
}

/** Behind the rules that are there; `insertRule` puts it before them. */
export function appendRule(rule: Rule): Uint8Array {
  return command("newRule", NLM_F_ACK | NLM_F_CREATE | NLM_F_APPEND, ...ruleAttributes(rule));
}

export function insertRule(rule: Rule): Uint8Array {
  return command("newRule", NLM_F_ACK | NLM_F_CREATE, ...ruleAttributes(rule));
}

function ruleAttributes({ table, chain, expressions, userdata }: Rule): Uint8Array[] {
  return [
    attribute(NFTA_RULE_TABLE, text(table)),
    attribute(NFTA_RULE_CHAIN, text(chain)),
    nested(NFTA_RULE_EXPRESSIONS, ...expressions.flat()),
    ...(userdata === undefined ? [] : [attribute(NFTA_RULE_USERDATA, userdata)]),
  ];
}

export function dumpRules(table: string, chain: string): Uint8Array {
  return command(
    "getRule",
    NLM_F_DUMP,
    attribute(NFTA_RULE_TABLE, text(table)),
    attribute(NFTA_RULE_CHAIN, text(chain)),
  );
}

/** `handle` as the dump gave it, 8 bytes. */
export function deleteRule(table: string, chain: string, handle: Uint8Array): Uint8Array {
  return command(
    "deleteRule",
    NLM_F_ACK,
    attribute(NFTA_RULE_TABLE, text(table)),
    attribute(NFTA_RULE_CHAIN, text(chain)),
    attribute(NFTA_RULE_HANDLE, handle),
  );
}

/** Answers a number that changes with every transaction on the ruleset, by whomever. */
export function getGeneration(): Uint8Array {
  return message((NFNL_SUBSYS_NFTABLES << 8) | MSG.getGeneration, NLM_F_ACK, header(0));
}
export const NFTA_GEN_ID = 1;

const NFTA_SET_TABLE = 1;
const NFTA_SET_NAME = 2;
const NFTA_SET_KEY_TYPE = 4;
const NFTA_SET_KEY_LEN = 5;
const NFTA_SET_ID = 10;
const NFTA_SET_USERDATA = 13;
/** For nft(8), which lists the names as "" otherwise: type 0 (byte order of the key), 4 bytes, 1 (the host's). */
const KEYS_IN_HOST_ORDER = Uint8Array.of(0, 4, 1, 0, 0, 0);
const NFTA_SET_ELEM_LIST_TABLE = 1;
const NFTA_SET_ELEM_LIST_SET = 2;
const NFTA_SET_ELEM_LIST_ELEMENTS = 3;
const NFTA_SET_ELEM_KEY = 1;

/** A named set of interface names. `id` is any number, unique in the batch. */
export function addInterfaceSet(table: string, name: string, id: number): Uint8Array {
  return command(
    "newSet",
    NLM_F_ACK | NLM_F_CREATE,
    attribute(NFTA_SET_TABLE, text(table)),
    attribute(NFTA_SET_NAME, text(name)),
    attribute(NFTA_SET_KEY_TYPE, be32(TYPE_IFNAME)),
    attribute(NFTA_SET_KEY_LEN, be32(IFNAME_SIZE)),
    attribute(NFTA_SET_ID, be32(id)),
    attribute(NFTA_SET_USERDATA, KEYS_IN_HOST_ORDER),
  );
}

export function addInterfaces(table: string, set: string, names: readonly string[]): Uint8Array {
  const elements = names.map((name) =>
    nested(NFTA_LIST_ELEM, nested(NFTA_SET_ELEM_KEY, value(interfaceName(name)))),
  );
  return command(
    "newElement",
    NLM_F_ACK | NLM_F_CREATE,
    attribute(NFTA_SET_ELEM_LIST_TABLE, text(table)),
    attribute(NFTA_SET_ELEM_LIST_SET, text(set)),
    nested(NFTA_SET_ELEM_LIST_ELEMENTS, ...elements),
  );
}

function interfaceName(name: string): Uint8Array {
  const bytes = new Uint8Array(IFNAME_SIZE);
  bytes.set(text(name));
  return bytes;
}

const NFTA_DATA_VALUE = 1;
const NFTA_DATA_VERDICT = 2;

function value(bytes: Uint8Array): Uint8Array {
  return attribute(NFTA_DATA_VALUE, bytes);
}

function expression(name: string, ...attributes: readonly Uint8Array[]): Expression {
  const parts = [attribute(NFTA_EXPR_NAME, text(name)), nested(NFTA_EXPR_DATA, ...attributes)];
  return nested(NFTA_LIST_ELEM, ...parts);
}

const META_IIFNAME = 6;
const META_OIFNAME = 7;

function meta(key: number): Expression {
  return expression("meta", attribute(1, be32(REGISTER_1)), attribute(2, be32(key)));
}

const COMPARE_EQUAL = 0;
const COMPARE_UNEQUAL = 1;

function compare(operator: number, bytes: Uint8Array): Expression {
  return expression(
    "cmp",
    attribute(1, be32(REGISTER_1)),
    attribute(2, be32(operator)),
    nested(3, value(bytes)),
  );
}

export function inputInterface(name: string): Expression[] {
  return [meta(META_IIFNAME), compare(COMPARE_EQUAL, interfaceName(name))];
}

export function outputInterface(name: string): Expression[] {
  return [meta(META_OIFNAME), compare(COMPARE_EQUAL, interfaceName(name))];
}

export function notOutputInterface(name: string): Expression[] {
  return [meta(META_OIFNAME), compare(COMPARE_UNEQUAL, interfaceName(name))];
}

/** `oifname @set`. */
export function outputInterfaceIn(set: string): Expression[] {
  return [meta(META_OIFNAME), expression("lookup", attribute(1, text(set)), attribute(2, be32(REGISTER_1)))];
}

const PAYLOAD_NETWORK_HEADER = 1;
const IPV4_SOURCE_OFFSET = 12;

/** `ip saddr network/length`; both as 4 bytes. */
export function sourceIn(network: Uint8Array, mask: Uint8Array): Expression[] {
  return [
    expression(
      "payload",
      attribute(1, be32(REGISTER_1)),
      attribute(2, be32(PAYLOAD_NETWORK_HEADER)),
      attribute(3, be32(IPV4_SOURCE_OFFSET)),
      attribute(4, be32(4)),
    ),
    maskWith(mask),
    compare(COMPARE_EQUAL, network),
  ];
}

function maskWith(mask: Uint8Array): Expression {
  const zeroes = new Uint8Array(mask.length);
  return expression(
    "bitwise",
    attribute(1, be32(REGISTER_1)),
    attribute(2, be32(REGISTER_1)),
    attribute(3, be32(mask.length)),
    nested(4, value(mask)),
    nested(5, value(zeroes)),
  );
}

const CT_STATE = 0;
const CT_ESTABLISHED_OR_RELATED = 0b110;

/** `ct state established,related`; the only number here in host order. */
export function establishedOrRelated(): Expression[] {
  return [
    expression("ct", attribute(1, be32(REGISTER_1)), attribute(2, be32(CT_STATE))),
    maskWith(u32(CT_ESTABLISHED_OR_RELATED)),
    compare(COMPARE_UNEQUAL, u32(0)),
  ];
}

export const DROP = 0;
export const ACCEPT = 1;

export function verdict(code: number): Expression[] {
  const data = nested(NFTA_DATA_VERDICT, attribute(1, be32(code)));
  return [expression("immediate", attribute(1, be32(REGISTER_VERDICT)), nested(2, data))];
}

export function masquerade(): Expression[] {
  return [expression("masq")];
}

/** A rule's comment as nft(8) prints it. */
export function comment(words: string): Uint8Array {
  const NFTNL_UDATA_RULE_COMMENT = 0;
  const bytes = text(words);
  return concat([Uint8Array.of(NFTNL_UDATA_RULE_COMMENT, bytes.length), bytes]);
}
