/** Our seccomp compiler against libseccomp, where that is installed: the same profile, every call both know, arguments around every condition. */
import { dlopen, FFIType, ptr } from "bun:ffi";
import { expect, test } from "bun:test";
import { closeSync, openSync, readFileSync, rmSync } from "node:fs";
import { CAPABILITIES, DEFAULT_CAPABILITIES } from "../src/runtime/capabilities.ts";
import { ARCHITECTURES, syscallNumbers } from "../src/runtime/seccomp/architectures.ts";
import { compileSeccomp } from "../src/runtime/seccomp/compile.ts";
import { verdictOf } from "../src/runtime/seccomp/decisions.ts";
import { DEFAULT_PROFILE } from "../src/runtime/seccomp/facts.ts";
import { interpret } from "../src/runtime/seccomp/interpreter.ts";
import { isNarrow } from "../src/runtime/seccomp/narrow.ts";
import { chooseRules } from "../src/runtime/seccomp/profile.ts";
import type { Seccomp, SeccompRule } from "../src/runtime/spec.ts";

const { u64, u32, i32, ptr: pointer, u64_fast: handle } = FFIType;
const FUNCTIONS = {
  seccomp_init: { args: [u32], returns: handle },
  seccomp_arch_add: { args: [u64, u32], returns: i32 },
  seccomp_attr_set: { args: [u64, i32, u32], returns: i32 },
  seccomp_syscall_resolve_name: { args: [pointer], returns: i32 },
  seccomp_rule_add_array: { args: [u64, u32, i32, u32, pointer], returns: i32 },
  seccomp_export_bpf: { args: [u64, i32], returns: i32 },
} as const;

function load() {
  try {
    return dlopen("libseccomp.so.2", FUNCTIONS).symbols;
  } catch {
    return undefined;
  }
}
const library = load();
if (library === undefined)
  console.log("skipped: comparison with libseccomp: it is not installed (Debian: libseccomp2)");

const BAD_ARCHITECTURE = 2; // SCMP_FLTATR_ACT_BADARCH
const KILL_PROCESS = 0x80000000;
const UNKNOWN = -1; // __NR_SCMP_ERROR
const X86 = 0x40000003;
const X32 = 0x4000003e;
const COMPARISONS = ["", "NE", "LT", "LE", "EQ", "GE", "GT", "MASKED_EQ"].map((name) => `SCMP_CMP_${name}`);
/** Above, libseccomp 2.5 knows no names. */
const NEWEST = 450;

/** struct scmp_arg_cmp[]: index, comparison, two values. */
function encodeArguments(args: NonNullable<SeccompRule["args"]>): Buffer {
  const bytes = Buffer.alloc(24 * Math.max(args.length, 1));
  for (const [at, { index, op, value, valueTwo = 0 }] of args.entries()) {
    bytes.writeUInt32LE(index, at * 24);
    bytes.writeUInt32LE(COMPARISONS.indexOf(op), at * 24 + 4);
    bytes.writeBigUInt64LE(BigInt(value), at * 24 + 8);
    bytes.writeBigUInt64LE(BigInt(valueTwo), at * 24 + 16);
  }
  return bytes;
}

function theirProgram(rules: Seccomp, symbols: NonNullable<typeof library>): Uint8Array {
  const fallback = verdictOf(rules.defaultAction, rules.defaultErrnoRet);
  const context = symbols.seccomp_init(fallback);
  for (const architecture of [X86, X32]) symbols.seccomp_arch_add(context, architecture);
  symbols.seccomp_attr_set(context, BAD_ARCHITECTURE, KILL_PROCESS);
  for (const { names, action, errnoRet, args } of rules.syscalls ?? [])
    for (const name of names) {
      const number = symbols.seccomp_syscall_resolve_name(ptr(Buffer.from(`${name}\0`)));
      const verdict = verdictOf(action, errnoRet);
      if (number === UNKNOWN || verdict === fallback) continue;
      const encoded = encodeArguments(args ?? []);
      expect(symbols.seccomp_rule_add_array(context, verdict, number, args?.length ?? 0, ptr(encoded))).toBe(
        0,
      );
    }
  const path = `/tmp/berth-libseccomp-${process.pid}`;
  const file = openSync(path, "w");
  symbols.seccomp_export_bpf(context, file);
  closeSync(file);
  const program = readFileSync(path);
  rmSync(path);
  return new Uint8Array(program);
}

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

test.each([
  ["docker's capabilities", DEFAULT_CAPABILITIES],
  ["no capabilities", []],
  ["all capabilities", CAPABILITIES],
])("with %s both compilers say the same", (_, capabilities) => {
  if (library === undefined) return;
  const rules = chooseRules(DEFAULT_PROFILE, {
    capabilities: new Set(capabilities),
    architecture: "x86_64",
    kernelVersion: [6, 1],
  });
  const [theirs, ours] = [theirProgram(rules, library), compileSeccomp(rules, "x86_64")];
  expect(differences(rules, theirs, ours)).toEqual([]);
  expect(ours.length).toBeLessThan(theirs.length / 2);
});
