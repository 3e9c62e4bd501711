/** `delete`: nothing of a container is left, whatever state it is in. */
import { closeSync } from "node:fs";
import { removeCgroup } from "../kernel/cgroups.ts";
import { waitForEnd } from "../kernel/process-image.ts";
import { pidfdOpen, processState, signalProcess } from "../kernel/processes.ts";
import { BerthError } from "../lib/error.ts";
import { SIGKILL } from "../lib/signal.ts";
import type { Call, Command } from "./command.ts";
import { checkId, type Container, lockDirectory, notFound, removeDirectory, statusOf } from "./container.ts";

export const remove: Command = {
  flags: [{ names: ["force", "f"], help: "also where the container still runs (SIGKILL)" }],
  usage: "<container-id>",
  help: "Removes what a container holds: its control groups and its state.",
  least: 1,
  most: 1,
  run: removeContainer,
};

const PATIENCE_MS = 10_000;
const LOOK_MS = 1;

async function removeContainer(call: Call): Promise<void> {
  const { root, args, flags, features } = call;
  const id = checkId(args[0] ?? "");
  using locked = lockDirectory(call, id);
  const { container } = locked;
  const force = flags.on("force");
  if (container === undefined) {
    if (!force) throw notFound();
    return removeDirectory(`${root}/${id}`); // create was killed before it had written anything down
  }
  const status = statusOf(container, features);
  if (!force && (status === "running" || status === "paused"))
    throw new BerthError("conflict", `cannot delete container ${id} that is not stopped: ${status}`);
  await destroy(container, call);
}

/** Kills what still runs. Hooks that fail are a line in the log. */
export async function destroy(
  container: Container,
  { log, features }: Pick<Call, "log" | "features">,
): Promise<void> {
  const { directory, process, spec } = container;
  if (process !== undefined) await endProcess(process);
  if (spec.linux.cgroupsPath !== undefined)
    await removeCgroup(features.cgroups, spec.linux.cgroupsPath, { kill: true });
  if ((spec.hooks?.poststop ?? []).length > 0) {
    const { runPoststopHooks } = await import("../runtime/hooks.ts");
    for (const failure of await runPoststopHooks(container)) log("error", failure);
  }
  removeDirectory(directory);
}

async function endProcess(target: NonNullable<Container["process"]>): Promise<void> {
  const pidfd = pidfdOpen(target.pid);
  if (pidfd === undefined) return;
  try {
    if (processState(target.pid, target.startTime) !== "alive") return;
    signalProcess(target, SIGKILL);
    await ended(pidfd); // where it is frozen, removing its control group thaws it
  } finally {
    closeSync(pidfd);
  }
}

/** Looked at again and again, so that the engine does other things meanwhile. */
async function ended(pidfd: number): Promise<void> {
  for (let waited = 0; waited < PATIENCE_MS && !waitForEnd(pidfd, 0); waited += LOOK_MS)
    await Bun.sleep(LOOK_MS);
}
