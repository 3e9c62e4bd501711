/** Files that stand for namespaces: namespaces(7). */
import { closeSync, constants, openSync, statfsSync } from "node:fs";
import { KernelError } from "./error.ts";
import { openat2 } from "./files.ts";

const AT_FDCWD = -100;
const O_PATH = 0o10000000;
/** linux/magic.h */
const NSFS_MAGIC = 0x6e736673;
const EINVAL = 22;

/** The caller closes it. Looked at before it is opened: nobody waits at a fifo, and to open a device is to do something to it. */
export function openNamespace(path: string): number {
  const found = openat2(AT_FDCWD, path, O_PATH, 0, 0);
  try {
    const itself = `/proc/self/fd/${found}`;
    if (statfsSync(itself).type !== NSFS_MAGIC)
      throw new KernelError("join namespace", path, EINVAL, "invalid"); // as the shim says it
    return openSync(itself, constants.O_RDONLY);
  } finally {
    closeSync(found);
  }
}
