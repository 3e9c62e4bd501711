/** System calls at which a profile's answer can change: every number it may mean, arguments around every value it compares with. For tests. */
import type { Seccomp, SeccompArgument, SeccompRule } from "../spec.ts";
import { type Architecture, architecturesOf, type Native, syscallNumbers, X32_BIT } from "./architectures.ts";
import type { SyscallData } from "./interpreter.ts";

const WORD = 1n << 32n;
const NONE: readonly bigint[] = [0n, 0n, 0n, 0n, 0n, 0n];

/** All of one profile, for the architectures that it lists, and some for one that it does not. */
export function boundaryCases(seccomp: Seccomp, native: Native): SyscallData[] {
  const cases = architecturesOf(seccomp.architectures ?? [], native).flatMap((architecture) =>
    casesOf(seccomp, architecture),
  );
  return [...cases, { number: 0, architecture: 8, args: NONE }];
}

function casesOf(seccomp: Seccomp, architecture: Architecture): SyscallData[] {
  const { audit, bit, narrow } = architecture;
  const numbers = syscallNumbers(architecture);
  const plain = new Set([...numbers.values()].flatMap((number) => [number - 1, number, number + 1]));
  for (const each of [bit, bit + 100_000, X32_BIT - 1, X32_BIT, 0x7fffffff, 0xfffffffe, 0xffffffff])
    plain.add(each);
  const bare = [...plain].map((number) => ({ number: number >>> 0, architecture: audit, args: NONE }));
  const bound = (seccomp.syscalls ?? []).flatMap((rule) =>
    rule.names.flatMap((name) => {
      const number = numbers.get(name);
      if (number === undefined) return [];
      return argumentSets(rule).map((args) => ({ number, architecture: audit, args: cut(args, narrow) }));
    }),
  );
  return [...bare, ...bound];
}

function cut(args: readonly bigint[], narrow: boolean): bigint[] {
  return args.map((each) => BigInt.asUintN(narrow ? 32 : 64, each));
}

/** One argument around its boundaries, the others so that their conditions hold, or nothing. */
function argumentSets({ args }: SeccompRule): bigint[][] {
  const conditions = args ?? [];
  const all = conditions.reduce<readonly bigint[]>((set, each) => set.with(each.index, holding(each)), NONE);
  return [
    [...all],
    ...conditions.flatMap((each) =>
      around(each).flatMap((value) => [all.with(each.index, value), NONE.with(each.index, value)]),
    ),
  ];
}

function holding({ op, value, valueTwo }: SeccompArgument): bigint {
  switch (op) {
    case "SCMP_CMP_MASKED_EQ":
      return BigInt(valueTwo ?? 0);
    case "SCMP_CMP_NE":
    case "SCMP_CMP_GT":
      return BigInt(value) + 1n;
    case "SCMP_CMP_LT":
      return BigInt(value) - 1n;
    default:
      return BigInt(value);
  }
}

function around({ op, value, valueTwo }: SeccompArgument): bigint[] {
  const [first, second] = [BigInt(value), BigInt(valueTwo ?? 0)];
  const values = [...near(first), ...near(second), 0n, WORD - 1n, WORD, -1n];
  if (op !== "SCMP_CMP_MASKED_EQ") return values;
  const bits = Array.from({ length: 64 }, (_, bit) => 1n << BigInt(bit));
  return [...values, second | ~first, ...bits.map((bit) => second ^ bit)];
}

/** Beside it, and the same with the other word changed. */
function near(value: bigint): bigint[] {
  const upper = value & ~(WORD - 1n);
  return [
    value - 1n,
    value,
    value + 1n,
    value - WORD,
    value + WORD,
    value ^ (1n << 63n),
    value ^ (1n << 31n),
    upper,
    upper | (WORD - 1n),
    value | (-1n << 32n),
    value & (WORD - 1n),
    ~value,
  ];
}
