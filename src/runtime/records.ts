/** What a shim leaves in its run directory for whoever comes after the engine: who runs, and how it ended. */
import { readFileSync } from "node:fs";
import { hasErrno } from "../kernel/error.ts";
import type { ExitRecord, ProcessIdentity } from "./runtime.ts";

const ENOENT = 2;

export interface StateRecord extends ProcessIdentity {
  readonly phase: string;
  readonly shimPid: number;
  readonly startedAt: bigint;
}

/** Numbers stay text: nanoseconds since 1970 are more than a double holds. */
function readRecord(path: string): Map<string, string> | undefined {
  try {
    const fields = readFileSync(path, "utf8").matchAll(/"(\w+)":("(?:[^"\\]|\\.)*"|[^,}\s]+)/g);
    return new Map([...fields].map(([, name = "", value = ""]) => [name, value.replaceAll(/^"|"$/g, "")]));
  } catch (error) {
    if (hasErrno(error, ENOENT)) return undefined;
    throw error;
  }
}

export function readState(runDirectory: string): StateRecord | undefined {
  const record = readRecord(`${runDirectory}/state`);
  if (record === undefined) return undefined;
  const number = (name: string) => record.get(name) ?? "0";
  return {
    phase: record.get("phase") ?? "",
    pid: Number(number("pid")),
    startTime: BigInt(number("startTime")),
    shimPid: Number(number("shimPid")),
    startedAt: BigInt(number("startedAt")),
  };
}

/** A start that failed has a failure and never ran. */
export function readExit(runDirectory: string): ExitRecord | undefined {
  const record = readRecord(`${runDirectory}/exit`);
  if (record === undefined) return undefined;
  const exitCode = Number(record.get("exitCode"));
  const op = Number(record.get("failedOp") ?? 0);
  const lostEntries = BigInt(record.get("lostEntries") ?? 0);
  const failure = { op, errno: Number(record.get("errno") ?? 0), object: record.get("object") ?? "" };
  return {
    exitCode,
    oomKilled: record.get("oomKilled") === "true",
    finishedAt: BigInt(record.get("finishedAt") ?? "0"),
    ...(exitCode < 0 ? { failure } : {}),
    ...lostFromLog(lostEntries),
  };
}

/** How an exit record says that the disk has not taken all of the log. */
export function lostFromLog(entries: bigint): Pick<ExitRecord, "error"> {
  return entries === 0n
    ? {}
    : { error: `${entries} entries of the log are missing: the disk did not take them` };
}

/** Where the shim died without a word. */
export function lostRecord(state?: StateRecord): ExitRecord {
  const shim = state === undefined ? "its shim" : `its shim (process ${state.shimPid})`;
  return {
    exitCode: 137,
    oomKilled: false,
    finishedAt: BigInt(Date.now()) * 1_000_000n,
    error: `lost: ${shim} was killed, and what it looked after was ended with it`,
  };
}
