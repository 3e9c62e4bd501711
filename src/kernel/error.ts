/** What the kernel refused, in words a user can act on: `mount overlay on "/x": no space left on device`. */
import { BerthError, type ErrorCode } from "../lib/error.ts";
import { errnoText } from "./errno.ts";

/** Only where the errno says it whatever was tried; the rest is `internal` unless the caller knows better. */
const CODES: Readonly<Record<number, ErrorCode>> = {
  1: "unauthorized", // EPERM
  2: "not_found", // ENOENT
  13: "unauthorized", // EACCES
  17: "conflict", // EEXIST
  28: "no_space", // ENOSPC
  38: "unavailable", // ENOSYS
  122: "no_space", // EDQUOT
};

export class KernelError extends BerthError {
  readonly syscall: string;
  readonly object: string;
  readonly errno: number;

  constructor(syscall: string, object: string | Uint8Array, errno: number, code?: ErrorCode) {
    const name = typeof object === "string" ? object : new TextDecoder().decode(object);
    super(code ?? CODES[errno] ?? "internal", `${syscall} "${name}": ${errnoText(errno)}`);
    this.syscall = syscall;
    this.object = name;
    this.errno = errno;
  }
}

/** True for a failure with one of these errno numbers, of ours or of node:fs. */
export function hasErrno(error: unknown, ...numbers: readonly number[]): boolean {
  if (!(error instanceof Error) || !("errno" in error) || typeof error.errno !== "number") return false;
  return numbers.includes(Math.abs(error.errno));
}
