/** Our seccomp compiler against libseccomp, where that is installed: the same profile, every call both know, arguments around every condition. */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { CAPABILITIES, DEFAULT_CAPABILITIES } from "../src/runtime/capabilities.ts";
import { ARCHITECTURES, syscallNumbers } from "../src/runtime/seccomp/architectures.ts";
import { boundaryCases } from "../src/runtime/seccomp/boundaries.ts";
import { compileSeccomp } from "../src/runtime/seccomp/compile.ts";
import { DEFAULT_PROFILE } from "../src/runtime/seccomp/facts.ts";
import { interpret } from "../src/runtime/seccomp/interpreter.ts";
import { isNarrow } from "../src/runtime/seccomp/narrow.ts";
import { chooseRules } from "../src/runtime/seccomp/profile.ts";
import type { Seccomp, SeccompArgument, SeccompRule } from "../src/runtime/spec.ts";
import { hasLibseccomp, libseccompProgram } from "../test/support/libseccomp.ts";

/** Above, libseccomp 2.5 knows no names. */
const NEWEST = 450;

const WORD = 1n << 32n;
const NEAR = [-1n, 0n, 1n, WORD, 1n << 31n, 1n << 40n];

/** Every verdict on which the two differ and should not. */
function differences(rules: Seccomp, theirs: Uint8Array, ours: Uint8Array): string[] {
  const found: string[] = [];
  for (const name of rules.architectures ?? []) {
    const architecture = ARCHITECTURES[name];
    if (architecture === undefined) continue;
    for (const [call, number] of syscallNumbers(architecture)) {
      if (number - architecture.bit > NEWEST || call === "uretprobe" || call === "uprobe") continue;
      const conditions = (rules.syscalls ?? [])
        .filter(({ names }) => names.includes(call))
        .flatMap(({ args }) => args ?? []);
      const values = conditions.flatMap(({ value, valueTwo = 0 }) =>
        NEAR.flatMap((near) => [BigInt(value) + near, BigInt(valueTwo) + near]),
      );
      for (const value of [0n, 1n, ...values].map((each) =>
        BigInt.asUintN(architecture.narrow ? 32 : 64, each),
      ))
        for (const index of [0, 1]) {
          if (value >= WORD && (isNarrow(call, index) || name === "SCMP_ARCH_X32")) continue; // on purpose: see narrow.ts; libseccomp looks at half of x32's arguments
          const data = {
            number,
            architecture: architecture.audit,
            args: [0n, 0n, 0n, 0n, 0n, 0n].with(index, value),
          };
          const [said, expected] = [interpret(ours, data), interpret(theirs, data)];
          if (said !== expected)
            found.push(
              `${name} ${call}(${index}: ${value}): ${said.toString(16)}, libseccomp ${expected.toString(16)}`,
            );
        }
    }
  }
  return found;
}

test.if(hasLibseccomp).each([
  ["docker's capabilities", DEFAULT_CAPABILITIES],
  ["no capabilities", []],
  ["all capabilities", CAPABILITIES],
])("with %s both compilers say the same", (_, capabilities) => {
  const rules = chooseRules(DEFAULT_PROFILE, {
    capabilities: new Set(capabilities),
    architecture: "x86_64",
    kernelVersion: [6, 1],
  });
  const [theirs, ours] = [libseccompProgram(rules), compileSeccomp(rules, "x86_64")];
  expect(differences(rules, theirs, ours)).toEqual([]);
  expect(ours.length).toBeLessThan(theirs.length / 2);
});

const GETUID = 102;
const small = fc.bigInt(0n, 6n);
const condition = fc.record({
  index: fc.integer({ min: 0, max: 2 }),
  op: fc.constantFrom("NE", "LT", "LE", "EQ", "GE", "GT", "MASKED_EQ").map((op) => `SCMP_CMP_${op}`),
  value: small,
  valueTwo: small,
});
const conditions = (most: number) =>
  fc.uniqueArray(condition, { selector: ({ index }) => index, minLength: 1, maxLength: most });
const ruleOf = (args: readonly SeccompArgument[]): SeccompRule => ({
  names: ["getuid"],
  action: "SCMP_ACT_ALLOW",
  args,
});

test.if(hasLibseccomp).each<[string, fc.Arbitrary<SeccompRule[]>]>([
  ["several conditions", conditions(3).map((args) => [ruleOf(args)])],
  ["several rules", fc.array(conditions(1).map(ruleOf), { minLength: 2, maxLength: 3 })],
])("with %s on any arguments both compilers say the same", (_, rules) => {
  fc.assert(
    fc.property(rules, (syscalls) => {
      const seccomp = { defaultAction: "SCMP_ACT_ERRNO", architectures: ["SCMP_ARCH_X86_64"], syscalls };
      const [theirs, ours] = [libseccompProgram(seccomp), compileSeccomp(seccomp, "x86_64")];
      const asked = boundaryCases(seccomp, "x86_64").filter(({ number }) => number === GETUID);
      return asked.every((data) => interpret(ours, data) === interpret(theirs, data));
    }),
    { numRuns: 50 },
  );
});
