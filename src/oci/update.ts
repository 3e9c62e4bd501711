/** `update`: other limits for a container that exists. */
import { readFileSync } from "node:fs";
import { mergeResources, updateCgroup } from "../kernel/cgroup-update.ts";
import { BerthError } from "../lib/error.ts";
import { parseSizeBytes } from "../lib/size.ts";
import { parseResources } from "../runtime/config.ts";
import type { Resources } from "../runtime/spec.ts";
import type { Call, Command } from "./command.ts";
import { lockContainer, statusOf, writeRecord } from "./container.ts";
import type { Flag, Flags } from "./flags.ts";

const limit = (name: string, help: string): Flag => ({ names: [name], value: "text", help });

export const update: Command = {
  flags: [
    {
      names: ["resources", "r"],
      value: "text",
      help: "file with the limits as JSON, or - for standard input",
    },
    limit("blkio-weight", "weight of block I/O, 10 to 1000"),
    limit("cpu-period", "CPU period in microseconds"),
    limit("cpu-quota", "CPU time in each period, in microseconds"),
    limit("cpu-share", "CPU shares"),
    limit("cpu-rt-period", "real-time CPU period in microseconds"),
    limit("cpu-rt-runtime", "real-time CPU time in each period, in microseconds"),
    limit("cpuset-cpus", "CPUs to use"),
    limit("cpuset-mems", "memory nodes to use"),
    limit("memory", "memory in bytes"),
    limit("memory-reservation", "soft limit for memory in bytes"),
    limit("memory-swap", "memory and swap together in bytes, -1 for no limit"),
    limit("pids-limit", "number of processes"),
    limit("l3-cache-schema", "refused: there is no Intel RDT here"),
    limit("mem-bw-schema", "refused: there is no Intel RDT here"),
  ],
  usage: "<container-id>",
  help: "Changes the limits of a container. What is not named stays as it is.",
  least: 1,
  most: 1,
  run: updateContainer,
};

function updateContainer(call: Call): void {
  const { args, flags, features } = call;
  using locked = lockContainer(call, args[0] ?? "");
  const { container } = locked;
  if (statusOf(container, features) === "stopped") throw new BerthError("conflict", "container not running");
  const { directory, process: _, ...record } = container;
  const resources = mergeResources(record.spec.linux.resources ?? {}, resourcesOf(flags));
  updateCgroup(features.cgroups, record.spec.linux.cgroupsPath ?? "", resources);
  writeRecord(directory, { ...record, spec: { ...record.spec, linux: { ...record.spec.linux, resources } } });
}

function resourcesOf(flags: Flags): Resources {
  for (const name of ["l3-cache-schema", "mem-bw-schema"])
    if (flags.has(name))
      throw new BerthError("unsupported", `--${name} is not supported: berth does not work with Intel RDT`);
  const path = flags.text("resources");
  if (path !== undefined) return parseResources(readFileSync(path === "-" ? 0 : path, "utf8"));
  const number = (name: string) => given(flags, name, Number);
  const bytes = (name: string) => given(flags, name, parseSizeBytes);
  const word = (name: string) => given(flags, name, String);
  return {
    memory: defined({
      limit: bytes("memory"),
      reservation: bytes("memory-reservation"),
      swap: bytes("memory-swap"),
    }),
    cpu: defined({
      shares: number("cpu-share"),
      quota: number("cpu-quota"),
      period: number("cpu-period"),
      realtimeRuntime: number("cpu-rt-runtime"),
      realtimePeriod: number("cpu-rt-period"),
      cpus: word("cpuset-cpus"),
      mems: word("cpuset-mems"),
    }),
    blockIO: defined({ weight: number("blkio-weight") }),
    ...(flags.has("pids-limit") ? { pids: { limit: number("pids-limit") ?? 0 } } : {}),
  };
}

function given<T>(flags: Flags, name: string, read: (text: string) => T): T | undefined {
  const text = flags.text(name);
  if (text === undefined || text === "") return undefined;
  if (text === "-1" && name.startsWith("memory")) return Number(text) as T & number;
  try {
    const value = read(text);
    if (!Number.isNaN(value)) return value;
  } catch (error) {
    throw new BerthError("invalid", `invalid value for ${name}: ${(error as Error).message}`, {
      cause: error,
    });
  }
  throw new BerthError("invalid", `invalid value for ${name}: "${text}" is no number`);
}

/** Without what is undefined. */
function defined<T extends object>(limits: T): { [Name in keyof T]?: Exclude<T[Name], undefined> } {
  const entries = Object.entries(limits).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [Name in keyof T]?: Exclude<T[Name], undefined> };
}
