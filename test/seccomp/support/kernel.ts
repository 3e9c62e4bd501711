/** What the running kernel says to system calls under a filter. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { RET } from "../../../src/runtime/seccomp/assembler.ts";
import type { SyscallData } from "../../../src/runtime/seccomp/interpreter.ts";
import { programOf } from "./program.ts";

const I386_AUDIT = 0x40000003;
const CASE_SIZE = 56;

/** The results as the caller gets them, -errno; a case that ends the process is the last, with 1000 + the signal. */
export async function kernelSays(program: Uint8Array, cases: readonly SyscallData[]): Promise<number[]> {
  const directory = mkdtempSync("/tmp/berth-verdicts-");
  try {
    writeFileSync(`${directory}/filter`, program);
    writeFileSync(`${directory}/cases`, encodeCases(cases));
    const tool = await programOf(`${import.meta.dir}/../verdicts.c`);
    const { stdout, stderr, exitCode } = Bun.spawnSync([tool, `${directory}/filter`, `${directory}/cases`]);
    if (exitCode !== 0) throw new Error(`verdicts failed: ${stderr.toString()}`);
    return Array.from({ length: stdout.length / 8 }, (_, index) => Number(stdout.readBigInt64LE(index * 8)));
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function encodeCases(cases: readonly SyscallData[]): Buffer {
  const bytes = Buffer.alloc(cases.length * CASE_SIZE);
  for (const [at, { number, architecture, args }] of cases.entries()) {
    bytes.writeUInt32LE(Number(architecture === I386_AUDIT), at * CASE_SIZE);
    bytes.writeUInt32LE(number, at * CASE_SIZE + 4);
    for (const [index, value] of args.entries())
      bytes.writeBigUInt64LE(value, at * CASE_SIZE + 8 + index * 8);
  }
  return bytes;
}

const RET_ERRNO = 0x50000;

/** The same program with an errno of its own for each verdict, from 1 on, so that nothing is executed and all are told apart. */
export function marked(program: Uint8Array, verdicts: readonly number[]): Uint8Array {
  const bytes = Buffer.from(program);
  for (let at = 0; at < bytes.length; at += 8)
    if (bytes.readUInt16LE(at) === RET)
      bytes.writeUInt32LE(RET_ERRNO | (1 + verdicts.indexOf(bytes.readUInt32LE(at + 4))), at + 4);
  return bytes;
}

/** Every verdict that a program may give. */
export function verdictsOf(program: Uint8Array): number[] {
  const bytes = Buffer.from(program);
  const found = new Set<number>();
  for (let at = 0; at < bytes.length; at += 8)
    if (bytes.readUInt16LE(at) === RET) found.add(bytes.readUInt32LE(at + 4));
  return [...found];
}
