/** One lock for all engines of a machine: for what they choose one after the other. */
import { closeSync, constants, openSync } from "node:fs";
import { BerthError } from "../lib/error.ts";
import { flock } from "./libc.ts";

/** A holder needs some milliseconds, and the kernel gives back the lock of one that dies. */
const LIMIT_MS = 10_000;
const PAUSE_MS = 2;

export interface MachineLockOptions {
  /** Outside of every engine's run directory, because those differ; only root may touch it, so nobody else can hold engines up. */
  readonly path: string;
  /** What engines choose with it, for the error: "their subnets". */
  readonly what: string;
  readonly limitMs?: number;
}

/** Waits for its turn. The lock lives as long as what is returned; never across an await. */
export function lockMachine({ path, what, limitMs = LIMIT_MS }: MachineLockOptions): Disposable {
  const fd = open(path, what);
  try {
    const deadline = performance.now() + limitMs;
    while (!flock(fd)) {
      if (performance.now() >= deadline) throw stuck(path, what, limitMs);
      Bun.sleepSync(PAUSE_MS);
    }
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  return { [Symbol.dispose]: () => closeSync(fd) };
}

function open(path: string, what: string): number {
  try {
    return openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600);
  } catch (error) {
    throw new BerthError(
      "unavailable",
      `open ${path}: ${String(error)}: engines choose ${what} one after the other with this file; make it writable for root`,
      { cause: error },
    );
  }
}

function stuck(path: string, what: string, limitMs: number): BerthError {
  return new BerthError(
    "unavailable",
    `another engine has been choosing ${what} for ${limitMs / 1000} s: end it (fuser ${path} names it), or try again`,
  );
}
