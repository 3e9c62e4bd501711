/** Runs a filter as the kernel would; for tests, which compare it with what the rules say. */

export interface SyscallData {
  readonly number: number;
  /** AUDIT_ARCH_*. */
  readonly architecture: number;
  readonly args: readonly bigint[];
}

/** The verdict. Throws for what the kernel's verifier would refuse. */
export function interpret(program: Uint8Array, { number, architecture, args }: SyscallData): number {
  const code = Buffer.from(program.buffer, program.byteOffset, program.byteLength);
  const data = Buffer.alloc(64);
  data.writeUInt32LE(number >>> 0, 0);
  data.writeUInt32LE(architecture >>> 0, 4);
  for (const [index, value] of args.entries()) data.writeBigUInt64LE(value, 16 + index * 8);
  let accumulator = 0;
  for (let at = 0; at < code.length; at += 8) {
    const constant = code.readUInt32LE(at + 4);
    const jump = (taken: boolean) => code.readUInt8(at + (taken ? 2 : 3)) * 8;
    switch (code.readUInt16LE(at)) {
      case 0x20:
        accumulator = data.readUInt32LE(constant);
        break;
      case 0x54:
        accumulator = (accumulator & constant) >>> 0;
        break;
      case 0x05:
        at += constant * 8;
        break;
      case 0x15:
        at += jump(accumulator === constant);
        break;
      case 0x25:
        at += jump(accumulator > constant);
        break;
      case 0x35:
        at += jump(accumulator >= constant);
        break;
      case 0x06:
        return constant;
      default:
        throw new Error(`instruction 0x${code.readUInt16LE(at).toString(16)} is not one of ours`);
    }
  }
  throw new Error("the program runs off its end");
}
