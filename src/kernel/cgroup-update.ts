/** Other limits for a control group that exists: all of them, or as it was. */
import { closeSync, constants, openSync, readFileSync, writeSync } from "node:fs";
import { BerthError } from "../lib/error.ts";
import type { CgroupLayout } from "./cgroup-layout.ts";
import type { MemoryResources, Resources } from "./cgroup-resources.ts";
import { cgroupStats } from "./cgroup-stats.ts";
import type { CgroupWrite } from "./cgroup-write.ts";
import { planCgroup } from "./cgroups.ts";
import { hasErrno, KernelError } from "./error.ts";

const ENOENT = 2;
const EBUSY = 16;
const EINVAL = 22;
const EOPNOTSUPP = 95;

/**
 * `resources` is all that it may use from now on (mergeResources); rules for devices stay as they are. Throws `invalid` for what the kernel
 * does not take, and `conflict` for less memory than is in use, where that is asked for (checkBeforeUpdate) or the kernel insists.
 */
export function updateCgroup(layout: CgroupLayout, path: string, resources: Resources): void {
  const { writes } = planCgroup(layout, path, { ...resources, devices: [] });
  if (resources.memory?.checkBeforeUpdate === true) checkUsage(layout, path, resources.memory);
  const before = writes.flatMap(current);
  try {
    perform(writes);
  } catch (error) {
    for (const old of before.toReversed()) attempt(old);
    throw error;
  }
}

/** What was given before, with what is given now; field by field, lists as a whole. */
export function mergeResources(before: Resources, now: Resources): Resources {
  const { memory, cpu, blockIO, network, rdma, unified, ...whole } = now;
  const both = <Name extends "memory" | "cpu" | "blockIO" | "network" | "rdma" | "unified">(
    name: Name,
    part: Resources[Name],
  ) => (part === undefined ? {} : { [name]: { ...before[name], ...part } });
  return {
    ...before,
    ...whole,
    ...both("memory", memory),
    ...both("cpu", cpu),
    ...both("blockIO", blockIO),
    ...both("network", network),
    ...both("rdma", rdma),
    ...both("unified", unified),
  };
}

function checkUsage(layout: CgroupLayout, path: string, { limit = 0, swap = 0 }: MemoryResources): void {
  const { memory } = cgroupStats(layout, path);
  const used = memory?.usage ?? 0;
  const usedWithSwap = memory?.swap?.usage ?? used;
  if (limit > 0 && used > limit) throw tooLittle("memory", limit, used);
  if (swap > 0 && usedWithSwap > swap) throw tooLittle("memory and swap together", swap, usedWithSwap);
}

function tooLittle(what: string, limit: number, used: number): BerthError {
  return new BerthError("conflict", `${what} cannot be limited to ${limit} bytes: ${used} are in use`);
}

/** Some limits may not exceed others, whichever comes first: what is refused is tried once more when the others are written. */
function perform(writes: readonly CgroupWrite[]): void {
  for (const late of writes.filter((each) => !attempt(each))) insist(late);
}

/** Never makes the file: the kernel would call that "permission denied". */
function write(path: string, data: string): void {
  const fd = openSync(path, constants.O_WRONLY);
  try {
    writeSync(fd, data);
  } finally {
    closeSync(fd);
  }
}

function attempt({ path, data, optional }: CgroupWrite): boolean {
  try {
    write(path, data);
    return true;
  } catch (error) {
    return optional && hasErrno(error, ENOENT, EINVAL, EOPNOTSUPP);
  }
}

function insist({ path, data }: CgroupWrite): void {
  try {
    write(path, data);
  } catch (error) {
    if (!(error instanceof Error && "errno" in error)) throw error;
    const file = path.slice(path.lastIndexOf("/") + 1);
    if (file.startsWith("memory.") && hasErrno(error, EBUSY))
      throw new BerthError("conflict", `${file} cannot be ${data}: more is in use`, { cause: error });
    throw new KernelError(`write "${data}" to`, path, Math.abs(Number(error.errno)), "invalid");
  }
}

/** How it is now, as a write; nothing for files that hold more than one value. */
function current({ path }: CgroupWrite): CgroupWrite[] {
  try {
    const data = readFileSync(path, "utf8").trim();
    return data === "" || data.includes("\n") || data.includes(":") ? [] : [{ path, data, optional: true }];
  } catch (error) {
    if (hasErrno(error, ENOENT, EOPNOTSUPP)) return [];
    throw error;
  }
}
