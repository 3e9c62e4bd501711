/** Compiles rules into one filter program: the architecture, then a balanced tree over ranges of numbers, then arguments, all 64 bits of them. */
import { BerthError } from "../../lib/error.ts";
import type { Seccomp } from "../spec.ts";
import { type Architecture, architecturesOf, type Native, X32_BIT, X86_64_AUDIT } from "./architectures.ts";
import { Assembler, JMP_JEQ, JMP_JGE, type Target } from "./assembler.ts";
import { conditionBlock } from "./conditions.ts";
import { always, type Case, type Decision, type Decisions, decide, verdictOf } from "./decisions.ts";

/** Offsets in struct seccomp_data. */
const NUMBER = 0;
const ARCHITECTURE = 4;
const KILL_PROCESS = 0x80000000;
const MAX_INSTRUCTIONS = 4096;

/** Part of every digest under which a program is kept: to be raised whenever the same rules compile to another program. */
export const COMPILER_VERSION = 2;

/** An architecture that is not listed is killed: its numbers mean other calls. */
export function compileSeccomp(seccomp: Seccomp, native: Native): Uint8Array {
  const assembler = new Assembler();
  const listed = architecturesOf(seccomp.architectures ?? [], native);
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
  const ranges = [
    ...(wide === undefined ? [killedFrom(0)] : toRanges(decide(seccomp, wide), 0)),
    ...(marked === undefined ? [] : toRanges(decide(seccomp, marked), X32_BIT)),
    ...(marked === undefined && wide?.audit === X86_64_AUDIT ? foreignX32(seccomp) : []),
  ];
  const narrow = variants.every((each) => each.narrow);
  return tree(assembler, merge(ranges), narrow, new Map());
}

const killedFrom = (from: number): Range => ({ from, decision: always(KILL_PROCESS) });

/** Numbers with the bit are no x86_64 calls; -1 is a call that a tracer has cancelled, and stays harmless. */
function foreignX32({ defaultAction, defaultErrnoRet }: Seccomp): Range[] {
  return [
    killedFrom(X32_BIT),
    { from: 0xffffffff, decision: always(verdictOf(defaultAction, defaultErrnoRet)) },
  ];
}

function toRanges({ byNumber, otherwise, newer }: Decisions, first: number): Range[] {
  const fallback = always(otherwise);
  const ranges: Range[] = [{ from: first, decision: fallback }];
  for (const number of Uint32Array.from(byNumber.keys()).toSorted())
    ranges.push(
      { from: number, decision: byNumber.get(number) ?? fallback },
      { from: number + 1, decision: fallback },
    );
  if (newer !== undefined) ranges.push({ from: newer.above + 1, decision: always(newer.verdict) });
  return ranges;
}

/** Of several ranges that begin alike the last counts; neighbours with the same answer become one. */
function merge(ranges: readonly Range[]): Range[] {
  const merged: Range[] = [];
  for (const range of ranges) {
    if (merged.at(-1)?.from === range.from) merged.pop();
    if (merged.at(-1)?.decision.key !== range.decision.key) merged.push(range);
  }
  return merged;
}

/** Where the answers that depend on arguments stand, by their keys. */
type Blocks = Map<Decision["key"], Target>;

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
  const { cases, verdict, key } = range.decision;
  if (cases.length === 0) return assembler.returns(verdict);
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
