/** Compiles rules into one filter program: the architecture, then a balanced tree over ranges of numbers, then arguments, all 64 bits of them. */
import { BerthError } from "../../lib/error.ts";
import type { Seccomp } from "../spec.ts";
import { ARCHITECTURES, type Architecture, X32_BIT } from "./architectures.ts";
import { Assembler, JMP_JEQ, JMP_JGE, type Target } from "./assembler.ts";
import { conditionBlock } from "./conditions.ts";
import { type Case, type Decision, type Decisions, decide } from "./decisions.ts";

/** Offsets in struct seccomp_data. */
const NUMBER = 0;
const ARCHITECTURE = 4;
const KILL_PROCESS = 0x80000000;
const MAX_INSTRUCTIONS = 4096;

/** An architecture that is not listed is killed: its numbers mean other calls. */
export function compileSeccomp(seccomp: Seccomp): Uint8Array {
  const assembler = new Assembler();
  const listed = (seccomp.architectures ?? []).flatMap((name) => ARCHITECTURES[name] ?? []);
  let next = assembler.returns(KILL_PROCESS);
  for (const audit of new Set(listed.map((each) => each.audit))) {
    const variants = listed.filter((each) => each.audit === audit);
    assembler.continueAt(numbersOf(assembler, seccomp, variants));
    const entry = assembler.load(NUMBER);
    next = assembler.branch(JMP_JEQ, audit, entry, next);
  }
  assembler.load(ARCHITECTURE);
  if (assembler.length > MAX_INSTRUCTIONS)
    throw new BerthError(
      "unsupported",
      `the seccomp profile compiles to ${assembler.length} instructions, the kernel takes ${MAX_INSTRUCTIONS}`,
    );
  return assembler.finish();
}

/** A range of numbers that all have the same answer. */
interface Range {
  readonly from: number;
  readonly decision: Decision;
}

/** x86_64 and x32 have one audit value; their numbers differ by a bit, so that one tree holds both. */
function numbersOf(assembler: Assembler, seccomp: Seccomp, variants: readonly Architecture[]): Target {
  const wide = variants.find(({ bit }) => bit === 0);
  const marked = variants.find(({ bit }) => bit === X32_BIT);
  const killed: Range = { from: 0, decision: { cases: [], verdict: KILL_PROCESS } };
  const ranges = [
    ...(wide === undefined ? [killed] : toRanges(decide(seccomp, wide), 0)),
    ...(marked === undefined ? foreignX32(seccomp, wide) : toRanges(decide(seccomp, marked), X32_BIT)),
  ];
  return tree(
    assembler,
    merge(ranges),
    variants.every(({ narrow }) => narrow),
    new Map(),
  );
}

/** Numbers with the bit are no x86_64 calls; -1 is a call that a tracer has cancelled, and stays harmless. */
function foreignX32(seccomp: Seccomp, wide: Architecture | undefined): Range[] {
  if (wide?.audit !== ARCHITECTURES["SCMP_ARCH_X86_64"]?.audit || wide === undefined) return [];
  return [
    { from: X32_BIT, decision: { cases: [], verdict: KILL_PROCESS } },
    { from: 0xffffffff, decision: { cases: [], verdict: decide(seccomp, wide).otherwise } },
  ];
}

function toRanges({ byNumber, otherwise, newer }: Decisions, first: number): Range[] {
  const fallback: Decision = { cases: [], verdict: otherwise };
  const ranges: Range[] = [{ from: first, decision: fallback }];
  for (const [number, decision] of byNumber)
    ranges.push({ from: number, decision }, { from: number + 1, decision: fallback });
  if (newer !== undefined)
    ranges.push({ from: newer.above + 1, decision: { cases: [], verdict: newer.verdict } });
  return ranges;
}

/** Of several ranges that begin alike the last counts; neighbours with the same answer become one. */
function merge(ranges: readonly Range[]): Range[] {
  const merged: Range[] = [];
  for (const range of ranges) {
    if (merged.at(-1)?.from === range.from) merged.pop();
    if (answerOf(merged.at(-1)) !== answerOf(range)) merged.push(range);
  }
  return merged;
}

/** Equal for equal answers. */
function answerOf(range: Range | undefined): string | undefined {
  return (
    range &&
    JSON.stringify(range.decision, (_, value: unknown) => (typeof value === "bigint" ? String(value) : value))
  );
}

type Blocks = Map<string, Target>;

/** The right half first: it ends up behind the left. */
function tree(assembler: Assembler, ranges: readonly Range[], narrow: boolean, blocks: Blocks): Target {
  const middle = ranges.length >> 1;
  const [first] = ranges;
  const split = ranges[middle];
  if (first === undefined || split === undefined) return assembler.returns(KILL_PROCESS);
  if (ranges.length === 1) return leaf(assembler, first, narrow, blocks);
  const right = tree(assembler, ranges.slice(middle), narrow, blocks);
  const left = tree(assembler, ranges.slice(0, middle), narrow, blocks);
  return assembler.branch(JMP_JGE, split.from, right, left);
}

function leaf(assembler: Assembler, range: Range, narrow: boolean, blocks: Blocks): Target {
  const { cases, verdict } = range.decision;
  if (cases.length === 0) return assembler.returns(verdict);
  const key = answerOf(range) ?? "";
  const block =
    blocks.get(key) ??
    cases
      .toReversed()
      .reduce((next, each) => caseBlock(assembler, each, next, narrow), assembler.returns(verdict));
  blocks.set(key, block);
  return block;
}

/** If all conditions hold the verdict, else on to `next`. */
function caseBlock(
  assembler: Assembler,
  { conditions, verdict }: Case,
  next: Target,
  narrow: boolean,
): Target {
  let yes = assembler.returns(verdict);
  for (const condition of conditions.toReversed())
    yes = conditionBlock(assembler, condition, yes, next, narrow);
  return yes;
}
