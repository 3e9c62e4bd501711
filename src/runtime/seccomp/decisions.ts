/** What a filter answers for each number of one architecture: a verdict, or verdicts that depend on arguments. Pure. */
import { BerthError } from "../../lib/error.ts";
import type { Seccomp, SeccompArgument, SeccompRule } from "../spec.ts";
import { type Architecture, syscallNumbers } from "./architectures.ts";
import { isNarrow } from "./narrow.ts";

export interface Condition {
  readonly index: number;
  readonly op: Comparison;
  readonly value: bigint;
  /** Only for "masked": what is left after the mask `value`. */
  readonly wanted: bigint;
  /** Only the lower 32 bits are looked at. */
  readonly low?: true;
}
export type Comparison = "ne" | "lt" | "le" | "eq" | "ge" | "gt" | "masked";

/** All conditions hold: this verdict. */
export interface Case {
  readonly conditions: readonly Condition[];
  readonly verdict: number;
}

/** The first case that holds, else the verdict. */
export interface Decision {
  readonly cases: readonly Case[];
  readonly verdict: number;
  /** Equal for decisions that answer alike. */
  readonly key: number | string;
}

export interface Decisions {
  /** A number that is not here gets `otherwise`. */
  readonly byNumber: ReadonlyMap<number, Decision>;
  readonly otherwise: number;
  /** Numbers above the greatest that the profile knows: newer than the profile, so "not implemented", as runc answers. */
  readonly newer?: { readonly above: number; readonly verdict: number };
}

const ENOSYS = 38;
const EPERM = 1;
/** The kernel cuts what is above. */
const MAX_ERRNO = 4095;
const MAX_DATA = 0xffff;
const RET_ERRNO = 0x00050000;
const RET_TRACE = 0x7ff00000;
export const ACTIONS: Readonly<Record<string, number>> = {
  SCMP_ACT_KILL: 0x00000000,
  SCMP_ACT_KILL_THREAD: 0x00000000,
  SCMP_ACT_KILL_PROCESS: 0x80000000,
  SCMP_ACT_TRAP: 0x00030000,
  SCMP_ACT_ERRNO: RET_ERRNO,
  SCMP_ACT_NOTIFY: 0x7fc00000,
  SCMP_ACT_TRACE: RET_TRACE,
  SCMP_ACT_LOG: 0x7ffc0000,
  SCMP_ACT_ALLOW: 0x7fff0000,
};
const RESTRICTING = new Set([
  "SCMP_ACT_KILL",
  "SCMP_ACT_KILL_THREAD",
  "SCMP_ACT_KILL_PROCESS",
  "SCMP_ACT_TRAP",
  "SCMP_ACT_ERRNO",
]);

/** SECCOMP_RET_* with its data: an errno, or what a tracer is told. */
export function verdictOf(action: string, errno?: number | null): number {
  const verdict = ACTIONS[action];
  if (verdict === undefined) throw new BerthError("invalid", `unknown seccomp action "${action}"`);
  if (verdict !== RET_ERRNO && verdict !== RET_TRACE) {
    if (errno === undefined || errno === null) return verdict;
    throw new BerthError("invalid", `seccomp: errnoRet has no meaning for the action ${action}`);
  }
  const data = errno ?? EPERM;
  const most = verdict === RET_ERRNO ? MAX_ERRNO : MAX_DATA;
  if (!Number.isInteger(data) || data < 0 || data > most)
    throw new BerthError("invalid", `seccomp: errnoRet ${data} of ${action} is not within 0 and ${most}`);
  return verdict | data;
}

/**
 * A rule without conditions outweighs those with, as libseccomp has it; otherwise the first in the profile. Rules that say what is said
 * anyway do not count, and names that an architecture lacks are skipped, both as with runc.
 */
export function decide(seccomp: Seccomp, architecture: Architecture): Decisions {
  const numbers = syscallNumbers(architecture);
  const otherwise = verdictOf(seccomp.defaultAction, seccomp.defaultErrnoRet);
  const byNumber = new Map<number, Decision>();
  let greatest = -1;
  for (const rule of seccomp.syscalls ?? []) {
    const said = always(verdictOf(rule.action, rule.errnoRet));
    for (const name of rule.names) {
      const number = numbers.get(name);
      if (number === undefined) continue;
      greatest = Math.max(greatest, number);
      const before = byNumber.get(number);
      if (said.verdict === otherwise || (before !== undefined && before.cases.length === 0)) continue;
      byNumber.set(number, isBound(rule) ? withCases(before, rule, name, said.verdict, otherwise) : said);
    }
  }
  const stub = greatest >= 0 && RESTRICTING.has(seccomp.defaultAction);
  return {
    byNumber,
    otherwise,
    ...(stub ? { newer: { above: greatest, verdict: RET_ERRNO | ENOSYS } } : {}),
  };
}

const isBound = ({ args }: SeccompRule) => args !== undefined && args !== null && args.length > 0;

function withCases(
  before: Decision | undefined,
  rule: SeccompRule,
  name: string,
  verdict: number,
  otherwise: number,
): Decision {
  const cases = [...(before?.cases ?? []), ...casesOf(rule, name, verdict)];
  return { cases, verdict: otherwise, key: `${cases.map(caseKey).join(" ")} ${otherwise}` };
}

/** One verdict, whatever the arguments. */
export function always(verdict: number): Decision {
  return { cases: [], verdict, key: verdict };
}

function caseKey({ conditions, verdict }: Case): string {
  const keys = conditions.map(
    ({ index, op, value, wanted, low }) => `${index}${op}${value}/${wanted}${low ? "low" : ""}`,
  );
  return `${keys.join(",")}:${verdict}`;
}

/** Conditions on one argument twice are alternatives: runc splits such a rule, since libseccomp cannot hold it. */
function casesOf({ action, args }: SeccompRule, name: string, verdict: number): Case[] {
  const conditions = (args ?? []).map(toCondition);
  const repeated = new Set(conditions.map(({ index }) => index)).size < conditions.length;
  const alternatives = repeated ? conditions.map((condition) => [condition]) : [conditions];
  return alternatives.map((each) => ({
    conditions: each.flatMap((one) => asTheKernelReads(name, one, RESTRICTING.has(action))),
    verdict,
  }));
}

/** What forbids looks only at what the kernel reads; what permits wants the rest to be empty. */
function asTheKernelReads(name: string, condition: Condition, restricting: boolean): Condition[] {
  const { index, value, wanted } = condition;
  if (!isNarrow(name, index)) return [condition];
  if (!restricting) return [condition, { index, op: "le", value: 0xffffffffn, wanted: 0n }];
  return [{ ...condition, value: BigInt.asUintN(32, value), wanted: BigInt.asUintN(32, wanted), low: true }];
}

export const COMPARISONS: Readonly<Record<string, Comparison>> = {
  SCMP_CMP_NE: "ne",
  SCMP_CMP_LT: "lt",
  SCMP_CMP_LE: "le",
  SCMP_CMP_EQ: "eq",
  SCMP_CMP_GE: "ge",
  SCMP_CMP_GT: "gt",
  SCMP_CMP_MASKED_EQ: "masked",
};

function toCondition({ index, op, value, valueTwo }: SeccompArgument): Condition {
  const comparison = COMPARISONS[op];
  if (comparison === undefined) throw new BerthError("invalid", `unknown seccomp comparison "${op}"`);
  if (!Number.isInteger(index) || index < 0 || index > 5)
    throw new BerthError("invalid", `seccomp: there is no argument ${index}`);
  const [first, second] = [unsigned(value), unsigned(valueTwo ?? 0)];
  // What the mask takes away cannot be wanted: libseccomp takes it away there, too.
  return { index, op: comparison, value: first, wanted: comparison === "masked" ? first & second : 0n };
}

function unsigned(value: number | bigint): bigint {
  const whole = typeof value === "bigint" || Number.isSafeInteger(value) ? BigInt(value) : -1n;
  if (whole < 0n || whole >= 1n << 64n)
    throw new BerthError("invalid", `seccomp: ${value} is no argument of 64 bits`);
  return whole;
}
