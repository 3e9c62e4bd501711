/** Seccomp programs by hand. */
import { concat } from "../../../src/kernel/netlink-message.ts";

/** SECCOMP_FILTER_FLAG_NEW_LISTENER */
export const NEW_LISTENER = 8;

/** A struct sock_filter. */
export function instruction(code: number, whenTrue: number, whenFalse: number, operand: number): Uint8Array {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt16LE(code, 0);
  bytes.writeUInt8(whenTrue, 2);
  bytes.writeUInt8(whenFalse, 3);
  bytes.writeUInt32LE(operand, 4);
  return bytes;
}

export const ALLOW_ALL = instruction(0x06, 0, 0, 0x7fff0000);

/** But write(2), as with every profile. */
export const ASK_ALL = concat([
  instruction(0x20, 0, 0, 0), // the number of the system call
  instruction(0x15, 0, 1, 1), // write(2)
  ALLOW_ALL,
  instruction(0x06, 0, 0, 0x7fc00000), // ask the listener
]);
