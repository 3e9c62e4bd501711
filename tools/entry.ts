/**
 * Puts native/entry before Bun in an executable: its bytes and the shim's program become one more segment at the end of the file, in the
 * place of a note that nobody reads, and the executable begins there. docs/decisions says why this is worth a patch.
 */
import { open } from "node:fs/promises";

const HEADER = { type: 16, machine: 18, entry: 24, programHeaders: 32, count: 56 } as const;
const PROGRAM = {
  type: 0,
  flags: 4,
  offset: 8,
  address: 16,
  physical: 24,
  fileSize: 32,
  memorySize: 40,
  align: 48,
} as const;
const PROGRAM_HEADER_SIZE = 56;
const ET_EXEC = 2;
const EM_X86_64 = 62;
const PT_LOAD = 1;
const PT_NOTE = 4;
const READ_EXECUTE = 5;
const PAGE = 4096;

const MARK = "berth-entry-fact";
/** Of struct facts, behind the mark. */
const FACTS = { bun: 16, image: 24, imageSize: 32, build: 40 } as const;

/** The machine that native/entry is written for; elsewhere the executable begins with Bun. */
export const HAS_ENTRY = process.arch === "x64";

export interface EntryParts {
  /** native/entry as a program of its own, with one segment. */
  readonly entry: Buffer;
  readonly shim: Buffer;
  readonly build: string;
}

/** Changes `file` in place. Throws where it is not built as this expects. */
export async function fitEntry(file: string, { entry, shim, build }: EntryParts): Promise<void> {
  await using handle = await open(file, "r+");
  const { size } = await handle.stat();
  const head = Buffer.alloc(PAGE);
  await handle.read(head, 0, PAGE, 0);
  const note = demand(
    segments(head).find(({ type }) => type === PT_NOTE),
    `${file} has no note`,
  );
  const ours = loadable(entry);
  if (head.readUInt16LE(HEADER.type) !== ET_EXEC || head.readUInt16LE(HEADER.machine) !== EM_X86_64)
    throw new Error(`${file} is not an x86-64 program at fixed addresses; see tools/entry.ts`);
  if (segments(head).some(({ end }) => end > ours.address))
    throw new Error(`${file} reaches to where native/entry is to be; see tools/native.ts`);
  const offset = Math.ceil(size / PAGE) * PAGE;
  const code = Buffer.from(entry.subarray(0, ours.fileSize));
  const facts = code.indexOf(MARK);
  code.writeBigUInt64LE(head.readBigUInt64LE(HEADER.entry), facts + FACTS.bun);
  code.writeBigUInt64LE(BigInt(ours.address + code.length), facts + FACTS.image);
  code.writeBigUInt64LE(BigInt(shim.length), facts + FACTS.imageSize);
  code.write(build, facts + FACTS.build, "latin1");
  const bytes = BigInt(code.length + shim.length);
  const { at } = note;
  head.writeUInt32LE(PT_LOAD, at + PROGRAM.type);
  head.writeUInt32LE(READ_EXECUTE, at + PROGRAM.flags);
  head.writeBigUInt64LE(BigInt(offset), at + PROGRAM.offset);
  for (const field of [PROGRAM.address, PROGRAM.physical])
    head.writeBigUInt64LE(BigInt(ours.address), at + field);
  for (const field of [PROGRAM.fileSize, PROGRAM.memorySize]) head.writeBigUInt64LE(bytes, at + field);
  head.writeBigUInt64LE(BigInt(PAGE), at + PROGRAM.align);
  head.writeBigUInt64LE(entry.readBigUInt64LE(HEADER.entry), HEADER.entry);
  await handle.write(Buffer.concat([code, shim]), 0, code.length + shim.length, offset);
  await handle.write(head, 0, PAGE, 0);
}

interface Segment {
  /** Where its header is. */
  readonly at: number;
  readonly type: number;
  readonly offset: number;
  readonly address: number;
  readonly fileSize: number;
  /** Behind its last address. */
  readonly end: number;
}

function segments(elf: Buffer): Segment[] {
  const first = Number(elf.readBigUInt64LE(HEADER.programHeaders));
  return Array.from({ length: elf.readUInt16LE(HEADER.count) }, (_, index) => {
    const at = first + index * PROGRAM_HEADER_SIZE;
    const address = Number(elf.readBigUInt64LE(at + PROGRAM.address));
    return {
      at,
      type: elf.readUInt32LE(at + PROGRAM.type),
      offset: Number(elf.readBigUInt64LE(at + PROGRAM.offset)),
      address,
      fileSize: Number(elf.readBigUInt64LE(at + PROGRAM.fileSize)),
      end: address + Number(elf.readBigUInt64LE(at + PROGRAM.memorySize)),
    };
  });
}

/** Its only segment, which begins with the file. */
function loadable(entry: Buffer): Segment {
  const [segment, ...more] = segments(entry).filter(({ type }) => type === PT_LOAD);
  if (more.length > 0) throw new Error("native/entry has data that can be written");
  if (segment?.offset !== 0) throw new Error("native/entry does not begin with its segment");
  return demand(segment, "native/entry has nothing to load");
}

function demand<What>(what: What | undefined, otherwise: string): What {
  if (what === undefined) throw new Error(otherwise);
  return what;
}
