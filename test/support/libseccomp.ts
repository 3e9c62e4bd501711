/** libseccomp's own program for rules on x86_64, i386 and x32, where the library is installed: what ours is compared with. */
import { dlopen, FFIType, ptr } from "bun:ffi";
import { closeSync, openSync, readFileSync, rmSync } from "node:fs";
import { verdictOf } from "../../src/runtime/seccomp/decisions.ts";
import type { Seccomp, SeccompRule } from "../../src/runtime/spec.ts";

const { u64, u32, i32, ptr: pointer, u64_fast: handle } = FFIType;
const FUNCTIONS = {
  seccomp_init: { args: [u32], returns: handle },
  seccomp_arch_add: { args: [u64, u32], returns: i32 },
  seccomp_attr_set: { args: [u64, i32, u32], returns: i32 },
  seccomp_syscall_resolve_name: { args: [pointer], returns: i32 },
  seccomp_rule_add_array: { args: [u64, u32, i32, u32, pointer], returns: i32 },
  seccomp_release: { args: [u64], returns: FFIType.void },
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

export const hasLibseccomp = library !== undefined;
if (!hasLibseccomp)
  console.log("skipped: comparison with libseccomp: it is not installed (Debian: libseccomp2)");

const BAD_ARCHITECTURE = 2; // SCMP_FLTATR_ACT_BADARCH
const OPTIMIZE = 8; // SCMP_FLTATR_CTL_OPTIMIZE
const KILL_PROCESS = 0x80000000;
const UNKNOWN = -1; // __NR_SCMP_ERROR
const X86 = 0x40000003;
const X32 = 0x4000003e;
const COMPARISONS = ["", "NE", "LT", "LE", "EQ", "GE", "GT", "MASKED_EQ"].map((name) => `SCMP_CMP_${name}`);
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

/** As runc makes it; `optimized` asks for a tree over the numbers, as runc does with more than 32 rules. */
export function libseccompProgram(
  rules: Seccomp,
  { optimized = false }: { optimized?: boolean } = {},
): Uint8Array {
  if (library === undefined) throw new Error("libseccomp is not installed");
  const symbols = library;
  const fallback = verdictOf(rules.defaultAction, rules.defaultErrnoRet);
  const context = symbols.seccomp_init(fallback);
  for (const architecture of [X86, X32]) symbols.seccomp_arch_add(context, architecture);
  symbols.seccomp_attr_set(context, BAD_ARCHITECTURE, KILL_PROCESS);
  if (optimized) symbols.seccomp_attr_set(context, OPTIMIZE, 2);
  for (const { names, action, errnoRet, args } of rules.syscalls ?? [])
    for (const name of names) {
      const number = symbols.seccomp_syscall_resolve_name(ptr(Buffer.from(`${name}\0`)));
      const verdict = verdictOf(action, errnoRet);
      if (number === UNKNOWN || verdict === fallback) continue;
      const encoded = encodeArguments(args ?? []);
      if (symbols.seccomp_rule_add_array(context, verdict, number, args?.length ?? 0, ptr(encoded)) !== 0)
        throw new Error(`libseccomp refuses a rule for ${name}`);
    }
  const path = `/tmp/berth-libseccomp-${process.pid}`;
  const file = openSync(path, "w");
  symbols.seccomp_export_bpf(context, file);
  closeSync(file);
  symbols.seccomp_release(context);
  const program = readFileSync(path);
  rmSync(path);
  return new Uint8Array(program);
}
