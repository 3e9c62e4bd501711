/** `kill`: a signal to a container's first process, or to all of them. */
import { closeSync } from "node:fs";
import { processes, thaw } from "../kernel/cgroups.ts";
import type { Features } from "../kernel/features.ts";
import { pidfdOpen, pidfdSignal, signalProcess } from "../kernel/processes.ts";
import { BerthError } from "../lib/error.ts";
import { parseSignal, SIGKILL } from "../lib/signal.ts";
import type { Call, Command } from "./command.ts";
import { type Container, getContainer, statusOf } from "./container.ts";

export const kill: Command = {
  flags: [{ names: ["all", "a"], help: "to all processes of the container" }],
  usage: "<container-id> [signal]",
  help: "Sends a signal, SIGTERM where none is named.",
  least: 1,
  most: 2,
  run: killContainer,
};

async function killContainer({ root, args, flags, features }: Call): Promise<void> {
  const [id = "", signal = "SIGTERM"] = args;
  const container = getContainer(root, id);
  const number = signalNumber(signal);
  if (flags.on("all")) return await killAll(container, number, features);
  const status = statusOf(container, features);
  const { process } = container;
  if (status === "stopped" || process === undefined || !signalProcess(process, number))
    throw new BerthError("not_found", "container not running");
  if (number === SIGKILL) await thawed(container, features);
}

/** 0 asks only whether it is there. */
function signalNumber(signal: string): number {
  try {
    return signal === "0" ? 0 : parseSignal(signal);
  } catch (error) {
    throw new BerthError("invalid", `unknown signal "${signal}"`, { cause: error });
  }
}

/** Nothing slips away meanwhile where all are killed: SIGKILL is sent until nobody is left that was not told. */
async function killAll(container: Container, number: number, features: Features): Promise<void> {
  const group = container.spec.linux.cgroupsPath ?? "";
  const told = new Set<number>();
  for (;;) {
    const pids = processes(features.cgroups, group).filter((pid) => !told.has(pid));
    signalMembers(pids, number, () => processes(features.cgroups, group));
    for (const pid of pids) told.add(pid);
    if (pids.length === 0 || number !== SIGKILL) break;
    await Bun.sleep(0); // the engine has others to care for
  }
  if (number === SIGKILL) await thawed(container, features);
}

/** Each is held before the group is looked at again: a number that has become another's is not in it. */
function signalMembers(pids: readonly number[], signal: number, members: () => readonly number[]): void {
  const held = pids.flatMap((pid) => {
    const pidfd = pidfdOpen(pid);
    return pidfd === undefined ? [] : [{ pid, pidfd }];
  });
  try {
    const still = new Set(held.length === 0 ? [] : members());
    for (const { pid, pidfd } of held) if (still.has(pid)) pidfdSignal(pidfd, signal);
  } finally {
    for (const { pidfd } of held) closeSync(pidfd);
  }
}

/** A frozen process of version 1 ends only when it goes on. */
async function thawed(container: Container, features: Features): Promise<void> {
  if (statusOf(container, features) === "paused")
    await thaw(features.cgroups, container.spec.linux.cgroupsPath ?? "");
}
