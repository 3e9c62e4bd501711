import { expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import fc from "fast-check";
import type { Seccomp } from "../spec.ts";
import { CAPABILITIES, capabilityMask, DEFAULT_CAPABILITIES } from "../capabilities.ts";
import { ARCHITECTURES, syscallNumbers, X32_BIT } from "./architectures.ts";
import { compileSeccomp } from "./compile.ts";
import { decide, evaluate, verdictOf } from "./decisions.ts";
import { DEFAULT_PROGRAM } from "./default-program.ts";
import { DEFAULT_PROFILE } from "./facts.ts";
import { interpret } from "./interpreter.ts";
import { chooseRules, parseProfile } from "./profile.ts";
import { CONDITIONAL } from "./seccomp.ts";

const ALLOW = 0x7fff0000;
const errno = (number: number) => 0x50000 | number;
const KILL = 0x80000000;
const here = (capabilities: readonly string[]) =>
  ({ capabilities: new Set(capabilities), architecture: "x86_64", kernelVersion: [6, 18] }) as const;
const dockers = chooseRules(DEFAULT_PROFILE, here(DEFAULT_CAPABILITIES));
const program = compileSeccomp(dockers);

/** Values at which a comparison with `value` can change its answer, in both halves. */
function boundaries(value: bigint): bigint[] {
  const near = [
    value - 1n,
    value,
    value + 1n,
    value ^ (1n << 32n),
    value ^ (1n << 63n),
    value | 0xffffffff00000000n,
    ~value,
    0n,
    2n ** 64n - 1n,
  ];
  return near.map((each) => BigInt.asUintN(64, each));
}

/** What the rules say, without any compiling: for every architecture, every number around every known one, arguments around every condition. */
function agree(seccomp: Seccomp, filter: Uint8Array): number {
  let checked = 0;
  for (const name of seccomp.architectures ?? []) {
    const architecture = ARCHITECTURES[name];
    if (architecture === undefined) continue;
    const { byNumber, otherwise, newer } = decide(seccomp, architecture);
    const known = [...syscallNumbers(architecture).values()];
    const numbers = new Set([
      ...known,
      ...known.map((number) => number + 1),
      architecture.bit,
      architecture.bit + 100_000,
    ]);
    for (const number of numbers) {
      const fallback = newer !== undefined && number > newer.above ? newer.verdict : otherwise;
      const decision = byNumber.get(number) ?? { cases: [], verdict: fallback };
      for (const args of argumentsFor(
        decision.cases.flatMap(({ conditions }) => conditions),
        architecture.narrow,
      )) {
        const said = interpret(filter, { number, architecture: architecture.audit, args });
        if (said !== evaluate(decision, args))
          expect({ name, number, args, said }).toEqual({
            name,
            number,
            args,
            said: evaluate(decision, args),
          });
        checked++;
      }
    }
  }
  return checked;
}

function argumentsFor(
  conditions: readonly { index: number; value: bigint; wanted: bigint }[],
  narrow: boolean,
): bigint[][] {
  const cut = (value: bigint) => (narrow ? BigInt.asUintN(32, value) : value);
  const none = Array.from({ length: 6 }, () => 0n);
  const near = conditions.flatMap(({ index, value, wanted }) =>
    [...boundaries(value), ...boundaries(wanted)].map((each) => none.with(index, cut(each))),
  );
  const all = conditions.reduce((args, { index, value }) => args.with(index, cut(value)), none);
  return [none, all, ...near];
}

test("docker's profile, compiled, says for every call what its rules say", () => {
  expect(agree(dockers, program)).toBeGreaterThan(2500);
});

test.each([[[]], [["CAP_SYS_ADMIN"]], [CAPABILITIES]])(
  "so it does with the capabilities %j",
  (capabilities) => {
    const rules = chooseRules(DEFAULT_PROFILE, here(capabilities));
    expect(agree(rules, compileSeccomp(rules))).toBeGreaterThan(2500);
  },
);

const call = (
  name: string,
  args: readonly bigint[] = [],
  architecture = "SCMP_ARCH_X86_64",
  filter = program,
) => {
  const found = ARCHITECTURES[architecture];
  if (found === undefined) throw new Error(architecture);
  return interpret(filter, {
    number: syscallNumbers(found).get(name) ?? -1,
    architecture: found.audit,
    args,
  });
};

test.each<[string, number, number]>([
  ["read is allowed", call("read"), ALLOW],
  ["mount is not permitted", call("mount"), errno(1)],
  ["clone3 is not implemented, so that libc falls back to clone", call("clone3"), errno(38)],
  ["clone makes processes", call("clone", [17n]), ALLOW],
  ["clone makes no user namespace", call("clone", [0x10000011n]), errno(1)],
  ["clone looks only at the flags it asks about", call("clone", [0x1_0000_0011n]), ALLOW],
  ["a socket of AF_VSOCK is refused", call("socket", [40n]), errno(1)],
  ["a socket of AF_ALG is refused", call("socket", [38n]), errno(1)],
  [
    "AF_ALG does not hide behind the upper half, which the kernel does not read",
    call("socket", [(1n << 32n) | 38n]),
    errno(1),
  ],
  ["a socket of AF_INET is allowed", call("socket", [2n]), ALLOW],
  ["personality is compared whole", call("personality", [(1n << 32n) | 8n]), errno(1)],
  [
    "a call newer than the profile is not implemented",
    interpret(program, { number: 9999, architecture: 0xc000003e, args: [] }),
    errno(38),
  ],
  ["32-bit programs have their own numbers", call("mount", [], "SCMP_ARCH_X86"), errno(1)],
  ["x32 programs, too", call("read", [], "SCMP_ARCH_X32"), ALLOW],
  [
    "a foreign architecture is killed",
    interpret(program, { number: 0, architecture: 0xc00000b7, args: [] }),
    KILL,
  ],
])("%s", (_, verdict, expected) => {
  expect(verdict).toBe(expected);
});

test("without x32 in the profile its calls are killed", () => {
  const filter = compileSeccomp({ ...dockers, architectures: ["SCMP_ARCH_X86_64"] });
  expect(interpret(filter, { number: X32_BIT, architecture: 0xc000003e, args: [] })).toBe(KILL);
  expect(interpret(filter, { number: 0, architecture: 0xc000003e, args: [] })).toBe(ALLOW);
  expect(interpret(filter, { number: 0, architecture: 0x40000003, args: [] })).toBe(KILL);
});

test("the program that is built in is what the profile compiles to; small enough to load fast", () => {
  expect(Buffer.from(program).toString("base64")).toBe(DEFAULT_PROGRAM);
  expect(program.length / 8).toBeLessThan(800);
});

test("the built-in program is used exactly where the profile's conditions say the same", () => {
  const rules = DEFAULT_PROFILE.syscalls ?? [];
  const asked = [
    rules.flatMap(({ includes }) => includes?.caps ?? []),
    rules.flatMap(({ excludes }) => excludes?.caps ?? []),
  ];
  expect(capabilityMask(asked.flat())).toBe(CONDITIONAL);
});

const SOURCE = `${import.meta.dir}/../../../../shared/reference/seccomp/default.json`;
if (!existsSync(SOURCE))
  process.stderr.write(
    "skipping a test: moby's profile does not lie beside the project to be compared with\n",
  );
test.skipIf(!existsSync(SOURCE))("the facts are those of moby's profile", () => {
  const theirs = chooseRules(parseProfile(readFileSync(SOURCE, "utf8")), here(DEFAULT_CAPABILITIES));
  expect(compileSeccomp(theirs)).toEqual(program);
});

const value = fc.oneof(
  fc.bigInt(0n, 2n ** 64n - 1n),
  fc.constantFrom(0n, 1n, 0xffffffffn, 1n << 32n, 1n << 63n),
);
const condition = fc.record({
  index: fc.integer({ min: 0, max: 5 }),
  op: fc.constantFrom("NE", "LT", "LE", "EQ", "GE", "GT", "MASKED_EQ").map((op) => `SCMP_CMP_${op}`),
  value,
  valueTwo: value,
});
const rule = fc.record({
  names: fc.uniqueArray(
    fc.constantFrom(
      "read",
      "write",
      "open",
      "close",
      "ioctl",
      "socket",
      "mount",
      "clone",
      "openat2",
      "cachestat",
    ),
  ),
  action: fc.constantFrom(
    "SCMP_ACT_ALLOW",
    "SCMP_ACT_ERRNO",
    "SCMP_ACT_LOG",
    "SCMP_ACT_KILL_PROCESS",
    "SCMP_ACT_TRAP",
  ),
  errnoRet: fc.integer({ min: 0, max: 4095 }),
  args: fc.array(condition, { maxLength: 4 }),
});

test("any profile, compiled, says what its rules say", () => {
  const profile = fc.record({
    defaultAction: fc.constantFrom("SCMP_ACT_ERRNO", "SCMP_ACT_ALLOW", "SCMP_ACT_KILL"),
    architectures: fc.subarray(["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"], { minLength: 1 }),
    syscalls: fc.array(rule, { maxLength: 6 }),
  });
  fc.assert(
    fc.property(profile, (seccomp) => agree(seccomp, compileSeccomp(seccomp)) > 0),
    { numRuns: 40 },
  );
});

test("a rule that forbids cannot be passed by bits that the kernel does not read", () => {
  const TIOCSTI = 0x5412n;
  const args = [{ index: 1, op: "SCMP_CMP_EQ", value: TIOCSTI }];
  const syscalls = [{ names: ["ioctl"], action: "SCMP_ACT_ERRNO", errnoRet: 1, args }];
  const filter = compileSeccomp({
    defaultAction: "SCMP_ACT_ALLOW",
    architectures: ["SCMP_ARCH_X86_64"],
    syscalls,
  });
  expect(call("ioctl", [0n, TIOCSTI | (1n << 40n)], "SCMP_ARCH_X86_64", filter)).toBe(errno(1));
  expect(call("ioctl", [0n, TIOCSTI + 1n], "SCMP_ARCH_X86_64", filter)).toBe(ALLOW);
});

test.each([
  ["no JSON", "{", "opening seccomp profile failed"],
  ["no default", "{}", "defaultAction is missing"],
  [
    "names that are none",
    '{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"action":"SCMP_ACT_ERRNO"}]}',
    "without names",
  ],
])("a profile that is %s is refused", (_, json, words) => {
  expect(() => parseProfile(json)).toThrow(words);
});

test("actions that berth does not do are refused by name", () => {
  expect(() => verdictOf("SCMP_ACT_NOTIFY")).toThrow("SCMP_ACT_NOTIFY");
  expect(() => verdictOf("SCMP_ACT_MAYBE")).toThrow('"SCMP_ACT_MAYBE"');
});
