/** Profiles that nobody would write, for property tests. */
import fc from "fast-check";
import type { Seccomp, SeccompRule } from "../spec.ts";

const value = fc.oneof(
  fc.bigInt(0n, 2n ** 64n - 1n),
  fc.bigInt(0n, 16n),
  fc.constantFrom(0xffffffffn, 1n << 32n, (1n << 32n) + 1n, 1n << 63n, 2n ** 64n - 1n),
);

const condition = fc.record({
  index: fc.integer({ min: 0, max: 5 }),
  op: fc.constantFrom("NE", "LT", "LE", "EQ", "GE", "GT", "MASKED_EQ").map((op) => `SCMP_CMP_${op}`),
  value,
  valueTwo: value,
});

const action = fc.oneof(
  fc.record({
    action: fc.constantFrom("ALLOW", "LOG", "KILL", "KILL_PROCESS", "TRAP", "NOTIFY").map(named),
  }),
  fc.record({
    action: fc.constantFrom("ERRNO", "TRACE").map(named),
    errnoRet: fc.integer({ min: 0, max: 4095 }),
  }),
);

function named(text: string): string {
  return `SCMP_ACT_${text}`;
}

/** Some calls that are everywhere, some that not every architecture has, some with arguments of which the kernel reads half. */
const NAMES =
  "read open close ioctl socket mount clone openat2 personality fcntl socketcall newfstatat cachestat nothing".split(
    " ",
  );

const rule: fc.Arbitrary<SeccompRule> = fc
  .tuple(
    fc.record({
      names: fc.uniqueArray(fc.constantFrom(...NAMES), { minLength: 1, maxLength: 6 }),
      args: fc.array(condition, { maxLength: 4 }),
    }),
    action,
  )
  .map(([what, said]) => Object.assign(what, said));

export const randomProfile: fc.Arbitrary<Seccomp> = fc.record({
  defaultAction: fc.constantFrom("ERRNO", "ALLOW", "KILL", "TRACE").map(named),
  architectures: fc.subarray([
    "SCMP_ARCH_X86_64",
    "SCMP_ARCH_X86",
    "SCMP_ARCH_X32",
    "SCMP_ARCH_AARCH64",
    "SCMP_ARCH_ARM",
  ]),
  syscalls: fc.array(rule, { maxLength: 8 }),
});
