/** Whether the engine may open a file that a caller elsewhere has named: it must be the same one there, and no read of it may wait. */
import { closeSync, fstatSync } from "node:fs";
import { hasErrno } from "../kernel/error.ts";
import { openat2, RESOLVE_NO_MAGICLINKS } from "../kernel/files.ts";
import { Elsewhere } from "../lib/elsewhere.ts";

const AT_FDCWD = -100;
const O_PATH = 0o10000000;
const ELOOP = 40;

/** Throws Elsewhere for what is a descriptor or a process of the caller's (`/dev/stdin`, `/proc/self/cwd`), and for pipes and devices. */
export function demandPlain(path: string): void {
  if (path.startsWith("/proc/") || path.startsWith("/dev/fd/")) throw new Elsewhere();
  try {
    const fd = openat2(AT_FDCWD, path, O_PATH, 0, RESOLVE_NO_MAGICLINKS);
    const status = fstatSync(fd);
    closeSync(fd);
    if (!status.isFile() && !status.isDirectory()) throw new Elsewhere();
  } catch (error) {
    if (hasErrno(error, ELOOP)) throw new Elsewhere();
    if (error instanceof Elsewhere) throw error;
    // What is not there, or not to be opened, is told by who opens it.
  }
}
