/** System call tables of the architectures a filter may meet. */
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

export const X32_BIT = 0x40000000;

export const ARCHITECTURES: Readonly<Record<string, Architecture>> = {
  SCMP_ARCH_X86_64: { audit: 0xc000003e, bit: 0, narrow: false, column: 1 },
  SCMP_ARCH_X86: { audit: 0x40000003, bit: 0, narrow: true, column: 2 },
  SCMP_ARCH_X32: { audit: 0xc000003e, bit: X32_BIT, narrow: false, column: 3 },
  SCMP_ARCH_AARCH64: { audit: 0xc00000b7, bit: 0, narrow: false, column: 4 },
};

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
