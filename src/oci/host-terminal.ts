/** Whether one of our own streams is a terminal. */
import { attempt } from "../kernel/ffi.ts";

const TCGETS = 0x5401;

export function isTerminal(fd: number): boolean {
  return attempt("ioctl", fd, TCGETS, new Uint8Array(64)) === 0;
}
