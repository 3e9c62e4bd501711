/** One lock for all engines of a machine: who holds it looks for a subnet and puts a bridge there before another one looks. */
import { closeSync, constants, openSync } from "node:fs";
import { flock } from "../kernel/libc.ts";
import { BerthError } from "../lib/error.ts";

/** Outside of every engine's run directory, because those differ; only root may touch it, so nobody else can hold engines up. */
const LOCK = "/run/berth-subnets.lock";
/** A holder needs some milliseconds, and the kernel gives back the lock of one that dies. */
const LIMIT_MS = 10_000;
const PAUSE_MS = 2;

/** Waits for its turn. The lock lives as long as what is returned; never across an await. */
export function lockSubnets(path: string = LOCK, limitMs: number = LIMIT_MS): Disposable {
  const fd = open(path);
  try {
    const deadline = performance.now() + limitMs;
    while (!flock(fd)) {
      if (performance.now() >= deadline) throw stuck(path, limitMs);
      Bun.sleepSync(PAUSE_MS);
    }
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  return { [Symbol.dispose]: () => closeSync(fd) };
}

function open(path: string): number {
  try {
    return openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600);
  } catch (error) {
    throw new BerthError(
      "unavailable",
      `open ${path}: ${String(error)}: engines choose their subnets one after the other with this file; make it writable for root`,
      { cause: error },
    );
  }
}

function stuck(path: string, limitMs: number): BerthError {
  return new BerthError(
    "unavailable",
    `another engine has been making its bridge for ${limitMs / 1000} s: end it (fuser ${path} names it), or try again`,
  );
}
