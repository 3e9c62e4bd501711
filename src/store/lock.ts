/** One engine per root directory: an flock that the kernel gives back when its holder dies, and the holder's pid for people. */
import { closeSync, constants, ftruncateSync, openSync, readFileSync, writeSync } from "node:fs";
import { flock } from "../kernel/libc.ts";
import { BerthError } from "../lib/error.ts";

/** Takes `path` or throws `conflict` with the pid of the engine that has it. The lock lives as long as what is returned. */
export function lockFile(path: string): Disposable {
  const fd = openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600);
  if (!flock(fd)) {
    closeSync(fd);
    throw new BerthError("conflict", heldBy(path));
  }
  ftruncateSync(fd);
  writeSync(fd, `${process.pid}\n`);
  return { [Symbol.dispose]: () => closeSync(fd) };
}

function heldBy(path: string): string {
  const pid = readFileSync(path, "utf8").trim();
  const holder = pid === "" ? "another engine" : `another engine (pid ${pid})`;
  return `${path} is held by ${holder}: end it with \`berth system shutdown\`, or choose another root with --root or BERTH_ROOT`;
}
