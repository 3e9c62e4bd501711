/** System call tables of the architectures a filter may meet. */
import { BerthError } from "../../lib/error.ts";
import { SYSCALL_TABLE } from "./numbers.ts";

export interface Architecture {
  /** AUDIT_ARCH_* of linux/audit.h: what the kernel puts beside the number. */
  readonly audit: number;
  /** Added to every number: x32 shares x86_64's audit value and is told by this bit alone. */
  readonly bit: number;
  /** Arguments are 32 bits, extended with zeroes. */
  readonly narrow: boolean;
  readonly column: number;
}

/** Whose machine it is. */
export type Native = "x86_64" | "aarch64";

export const X86_64_AUDIT = 0xc000003e;
export const X32_BIT = 0x40000000;

export const ARCHITECTURES: Readonly<Record<string, Architecture>> = {
  SCMP_ARCH_X86_64: { audit: X86_64_AUDIT, bit: 0, narrow: false, column: 1 },
  SCMP_ARCH_X86: { audit: 0x40000003, bit: 0, narrow: true, column: 2 },
  SCMP_ARCH_X32: { audit: X86_64_AUDIT, bit: X32_BIT, narrow: false, column: 3 },
  SCMP_ARCH_AARCH64: { audit: 0xc00000b7, bit: 0, narrow: false, column: 4 },
  SCMP_ARCH_ARM: { audit: 0x40000028, bit: 0, narrow: true, column: 5 },
};

/** What profiles may list besides. No kernel that berth runs on takes their calls, so there is nothing to compile: they would be killed. */
const FOREIGN: ReadonlySet<string> = new Set(
  "LOONGARCH64 M68K MIPS MIPS64 MIPS64N32 MIPSEL MIPSEL64 MIPSEL64N32 PARISC PARISC64 PPC PPC64 PPC64LE RISCV64 S390 S390X SH SHEB"
    .split(" ")
    .map((name) => `SCMP_ARCH_${name}`),
);

/** Those of a profile, each once. The machine's own is always among them, as with libseccomp. */
export function architecturesOf(names: readonly string[], native: Native): Architecture[] {
  const own = native === "x86_64" ? "SCMP_ARCH_X86_64" : "SCMP_ARCH_AARCH64";
  return [...new Set([own, ...names])].flatMap((name) => {
    const known = ARCHITECTURES[name];
    if (known === undefined && !FOREIGN.has(name))
      throw new BerthError("invalid", `unknown seccomp architecture "${name}"`);
    return known ?? [];
  });
}

let rows: readonly (readonly string[])[] | undefined;
const tables = new Map<number, ReadonlyMap<string, number>>();

/** Numbers by name, with the architecture's bit. */
export function syscallNumbers({ column, bit }: Architecture): ReadonlyMap<string, number> {
  const known = tables.get(column);
  if (known !== undefined) return known;
  rows ??= SYSCALL_TABLE.split("\n").map((line) => line.split(" "));
  const table = new Map<string, number>();
  for (const row of rows) if (row[column] !== "-") table.set(row[0] ?? "", Number(row[column]) + bit);
  tables.set(column, table);
  return table;
}
