/** Comparisons of arguments as instructions: 64 bits in two words, the upper one first. */
import { type Assembler, JMP_JEQ, JMP_JGE, JMP_JGT, type Target } from "./assembler.ts";
import type { Condition } from "./decisions.ts";

/** Offset in struct seccomp_data. */
const ARGUMENTS = 16;

/** Puts one condition in front: on to `yes` when it holds, else to `no`. */
export function conditionBlock(
  assembler: Assembler,
  { index, op, value, wanted, low: half }: Condition,
  yes: Target,
  no: Target,
  narrow: boolean,
): Target {
  const place = { assembler, offset: ARGUMENTS + index * 8, narrow: narrow || half === true };
  switch (op) {
    case "eq":
      return equal(place, value, undefined, yes, no);
    case "ne":
      return equal(place, value, undefined, no, yes);
    case "masked":
      return equal(place, wanted, value, yes, no);
    case "gt":
      return greater(place, value, JMP_JGT, yes, no);
    case "ge":
      return greater(place, value, JMP_JGE, yes, no);
    case "le":
      return greater(place, value, JMP_JGT, no, yes);
    case "lt":
      return greater(place, value, JMP_JGE, no, yes);
  }
}

interface Place {
  readonly assembler: Assembler;
  readonly offset: number;
  readonly narrow: boolean;
}

const low = (value: bigint) => Number(value & 0xffffffffn);
const high = (value: bigint) => Number(value >> 32n);

function equal(
  { assembler, offset, narrow }: Place,
  value: bigint,
  mask: bigint | undefined,
  yes: Target,
  no: Target,
): Target {
  if (narrow && high(value) !== 0) return no;
  const lower = equalWord(assembler, offset, low(value), mask === undefined ? undefined : low(mask), yes, no);
  if (narrow || (mask !== undefined && high(mask) === 0 && high(value) === 0)) return lower;
  return equalWord(
    assembler,
    offset + 4,
    high(value),
    mask === undefined ? undefined : high(mask),
    lower,
    no,
  );
}

function equalWord(
  assembler: Assembler,
  offset: number,
  value: number,
  mask: number | undefined,
  yes: Target,
  no: Target,
): Target {
  assembler.branch(JMP_JEQ, value, yes, no);
  if (mask !== undefined) assembler.and(mask);
  return assembler.load(offset);
}

/** The upper word decides unless it is equal. `code` compares the lower one. */
function greater(
  { assembler, offset, narrow }: Place,
  value: bigint,
  code: number,
  yes: Target,
  no: Target,
): Target {
  if (narrow && high(value) !== 0) return no;
  assembler.branch(code, low(value), yes, no);
  const lower = assembler.load(offset);
  if (narrow) return lower;
  const equalHigh = assembler.branch(JMP_JEQ, high(value), lower, no);
  assembler.branch(JMP_JGT, high(value), yes, equalHigh);
  return assembler.load(offset + 4);
}
