/**
 * Makes an executable of Bun deaf to the variables by which Bun's caller runs code of his choice in any compiled program:
 * each name loses its first letter to a NUL, which no environment can spell. docs/decisions says why this is worth a patch.
 */
import { open, stat } from "node:fs/promises";

/** `BUN_BE_BUN` turns a program into the bun command, `BUN_OPTIONS` preloads files, `BUN_INSPECT…` opens a debugger, the last one writes a file. */
const NAMES = ["BUN_BE_BUN", "BUN_OPTIONS", "BUN_INSPECT", "BUN_BYTECODE_ORDER_OUT"];

/** Changes `file` in place, in the part that comes from Bun: our own code behind it may speak of these names. */
export async function deafen(file: string): Promise<void> {
  const { size } = await stat(process.execPath);
  const runtime = await Bun.file(file).slice(0, size).bytes();
  await using handle = await open(file, "r+");
  for (const name of NAMES) {
    const found = positions(runtime, name);
    if (found.length === 0) throw new Error(`${file}: ${name} is not where it was; see tools/deafen.ts`);
    for (const position of found) await handle.write(Uint8Array.of(0), 0, 1, position);
  }
}

function positions(bytes: Uint8Array, name: string): number[] {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const found: number[] = [];
  for (let at = buffer.indexOf(name); at >= 0; at = buffer.indexOf(name, at + 1)) found.push(at);
  return found;
}
