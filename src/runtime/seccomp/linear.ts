/**
 * The plainest program that says what a profile says: architecture after architecture, rule after rule, condition after condition, nothing
 * shared and nothing searched. For tests, which compare.
 */
import type { Seccomp, SeccompArgument, SeccompRule } from "../spec.ts";
import { type Architecture, architecturesOf, type Native, syscallNumbers, X32_BIT } from "./architectures.ts";
import { ALU_AND, JMP_JA, JMP_JEQ, JMP_JGE, JMP_JGT, LD_W_ABS, RET } from "./assembler.ts";
import { verdictOf } from "./decisions.ts";
import { isNarrow } from "./narrow.ts";

/** struct sock_filter: how many instructions to skip if it holds, and if not. */
type Instruction = readonly [code: number, yes: number, no: number, constant: number];

const KILL_PROCESS = 0x80000000;
const NOT_IMPLEMENTED = 0x00050000 | 38;
const LOAD_NUMBER: Instruction = [LD_W_ABS, 0, 0, 0];
const LOAD_ARCHITECTURE: Instruction = [LD_W_ABS, 0, 0, 4];
const returning = (verdict: number): Instruction => [RET, 0, 0, verdict];
const skipping = (count: number): Instruction => [JMP_JA, 0, 0, count];

export function linearProgram(seccomp: Seccomp, native: Native): Uint8Array {
  const listed = architecturesOf(seccomp.architectures ?? [], native);
  const code: Instruction[] = [];
  for (const audit of new Set(listed.map((each) => each.audit))) {
    const body = numbersOf(
      seccomp,
      listed.filter((each) => each.audit === audit),
    );
    code.push(LOAD_ARCHITECTURE, [JMP_JEQ, 1, 0, audit], skipping(body.length), ...body);
  }
  return encode([...code, returning(KILL_PROCESS)]);
}

export function encode(code: readonly Instruction[]): Uint8Array {
  const bytes = Buffer.alloc(code.length * 8);
  for (const [index, [operation, yes, no, constant]] of code.entries()) {
    bytes.writeUInt16LE(operation, index * 8);
    bytes.writeUInt8(yes, index * 8 + 2);
    bytes.writeUInt8(no, index * 8 + 3);
    bytes.writeUInt32LE(constant >>> 0, index * 8 + 4);
  }
  return bytes;
}

function numbersOf(seccomp: Seccomp, variants: readonly Architecture[]): Instruction[] {
  const wide = variants.find(({ bit }) => bit === 0);
  const marked = variants.find(({ bit }) => bit === X32_BIT);
  const plain = wide === undefined ? [returning(KILL_PROCESS)] : rulesOf(seccomp, wide);
  if (wide?.narrow === true || wide?.column === 4) return [LOAD_NUMBER, ...plain];
  const fallback = verdictOf(seccomp.defaultAction, seccomp.defaultErrnoRet);
  const other = marked
    ? rulesOf(seccomp, marked)
    : [[JMP_JEQ, 0, 1, 0xffffffff] as const, returning(fallback), returning(KILL_PROCESS)];
  return [LOAD_NUMBER, [JMP_JGE, 1, 0, X32_BIT], skipping(other.length), ...other, ...plain];
}

function rulesOf(seccomp: Seccomp, architecture: Architecture): Instruction[] {
  const fallback = verdictOf(seccomp.defaultAction, seccomp.defaultErrnoRet);
  const rules = seccomp.syscalls ?? [];
  const numbers = syscallNumbers(architecture);
  const telling = rules.filter(({ action, errnoRet }) => verdictOf(action, errnoRet) !== fallback);
  const [free, bound] = [telling.filter(isFree), telling.filter((rule) => !isFree(rule))];
  const known = rules.flatMap(({ names }) => names.flatMap((name) => numbers.get(name) ?? []));
  const stub = known.length > 0 && /_(KILL|KILL_THREAD|KILL_PROCESS|TRAP|ERRNO)$/.test(seccomp.defaultAction);
  return [
    ...[...free, ...bound].flatMap((rule) => ruleOf(rule, numbers)),
    ...(stub ? [[JMP_JGT, 0, 1, Math.max(...known)] as const, returning(NOT_IMPLEMENTED)] : []),
    returning(fallback),
  ];
}

const isFree = ({ args }: SeccompRule) => (args ?? []).length === 0;

function ruleOf(rule: SeccompRule, numbers: ReadonlyMap<string, number>): Instruction[] {
  const verdict = returning(verdictOf(rule.action, rule.errnoRet));
  return rule.names.flatMap((name) => {
    const number = numbers.get(name);
    if (number === undefined) return [];
    if (isFree(rule)) return [[JMP_JEQ, 0, 1, number] as const, verdict];
    return alternativesOf(rule).flatMap((conditions) =>
      conditionalBlock(
        number,
        conditions.map((condition) => stepsOf(condition, name, rule.action)),
        verdict,
      ),
    );
  });
}

/** Whoever comes behind it finds the number again. */
function conditionalBlock(
  number: number,
  conditions: readonly (readonly Step[])[],
  verdict: Instruction,
): Instruction[] {
  const block = [...resolve(conditions), verdict];
  return [[JMP_JEQ, 0, block.length, number], ...block, LOAD_NUMBER];
}

/** runc's: two conditions on one argument mean either. */
function alternativesOf({ args }: SeccompRule): (readonly SeccompArgument[])[] {
  const all = args ?? [];
  const repeated = new Set(all.map(({ index }) => index)).size < all.length;
  return repeated ? all.map((each) => [each]) : [all];
}

/** `next` instruction, the condition `holds`, or it `fails`. */
type Way = "next" | "holds" | "fails";
type Step =
  | { readonly load: number }
  | { readonly mask: number }
  | { readonly test: number; readonly with: number; readonly yes: Way; readonly no: Way };

function stepsOf({ index, op, value, valueTwo }: SeccompArgument, name: string, action: string): Step[] {
  const first = BigInt(value);
  const second = BigInt(valueTwo ?? 0) & first;
  const at = 16 + index * 8;
  const lower = lowerSteps(op, at, Number(first & 0xffffffffn), Number(second & 0xffffffffn));
  if (isNarrow(name, index) && !/_(ALLOW|LOG|TRACE|NOTIFY)$/.test(action)) return lower;
  const empty: Step[] = isNarrow(name, index)
    ? [{ load: at + 4 }, { test: JMP_JEQ, with: 0, yes: "next", no: "fails" }]
    : [];
  return [...empty, ...upperSteps(op, at + 4, Number(first >> 32n), Number(second >> 32n)), ...lower];
}

/** To the lower half only where the upper ones are equal. */
function upperSteps(op: string, at: number, value: number, wanted: number): Step[] {
  const equal = (no: Way): Step => ({ test: JMP_JEQ, with: value, yes: "next", no });
  const above = (yes: Way): Step => ({ test: JMP_JGT, with: value, yes, no: "next" });
  switch (op) {
    case "SCMP_CMP_NE":
      return [{ load: at }, equal("holds")];
    case "SCMP_CMP_GT":
    case "SCMP_CMP_GE":
      return [{ load: at }, above("holds"), equal("fails")];
    case "SCMP_CMP_LT":
    case "SCMP_CMP_LE":
      return [{ load: at }, above("fails"), equal("holds")];
    case "SCMP_CMP_MASKED_EQ":
      return [{ load: at }, { mask: value }, { test: JMP_JEQ, with: wanted, yes: "next", no: "fails" }];
    default:
      return [{ load: at }, equal("fails")];
  }
}

function lowerSteps(op: string, at: number, value: number, wanted: number): Step[] {
  const test = (code: number, right: number): Step => ({
    test: code,
    with: right,
    yes: "holds",
    no: "fails",
  });
  const inverse = (code: number): Step => ({ test: code, with: value, yes: "fails", no: "holds" });
  switch (op) {
    case "SCMP_CMP_NE":
      return [{ load: at }, inverse(JMP_JEQ)];
    case "SCMP_CMP_GT":
      return [{ load: at }, test(JMP_JGT, value)];
    case "SCMP_CMP_GE":
      return [{ load: at }, test(JMP_JGE, value)];
    case "SCMP_CMP_LT":
      return [{ load: at }, inverse(JMP_JGE)];
    case "SCMP_CMP_LE":
      return [{ load: at }, inverse(JMP_JGT)];
    case "SCMP_CMP_MASKED_EQ":
      return [{ load: at }, { mask: value }, test(JMP_JEQ, wanted)];
    default:
      return [{ load: at }, test(JMP_JEQ, value)];
  }
}

/** Ways become distances: behind this condition, or behind the verdict that follows the last. */
function resolve(conditions: readonly (readonly Step[])[]): Instruction[] {
  const total = conditions.flat().length;
  const code: Instruction[] = [];
  for (const steps of conditions) {
    const end = code.length + steps.length;
    for (const step of steps) {
      const distance = { next: 0, holds: end - code.length - 1, fails: total - code.length };
      if ("load" in step) code.push([LD_W_ABS, 0, 0, step.load]);
      else if ("mask" in step) code.push([ALU_AND, 0, 0, step.mask]);
      else code.push([step.test, distance[step.yes], distance[step.no], step.with]);
    }
  }
  return code;
}
