/** `delete`: nothing of a container is left, whatever state it is in. */
import { closeSync } from "node:fs";
import { removeCgroup } from "../kernel/cgroups.ts";
import { probeFeatures } from "../kernel/features.ts";
import { waitForEnd } from "../kernel/process-image.ts";
import { pidfdOpen, processState, signalProcess } from "../kernel/processes.ts";
import { BerthError } from "../lib/error.ts";
import { SIGKILL } from "../lib/signal.ts";
import type { Call, Command } from "./command.ts";
import { checkId, type Container, lockDirectory, notFound, removeDirectory, statusOf } from "./container.ts";
import type { Log } from "./log.ts";

export const remove: Command = {
  flags: [{ names: ["force", "f"], help: "also where the container still runs (SIGKILL)" }],
  usage: "<container-id>",
  help: "Removes what a container holds: its control groups and its state.",
  least: 1,
  most: 1,
  run: removeContainer,
};

const PATIENCE_MS = 10_000;

async function removeContainer({ root, args, flags, log }: Call): Promise<void> {
  const id = checkId(args[0] ?? "");
  using locked = lockDirectory(root, id);
  const { container } = locked;
  const force = flags.on("force");
  if (container === undefined) {
    if (!force) throw notFound();
    return removeDirectory(`${root}/${id}`); // create was killed before it had written anything down
  }
  const status = statusOf(container, probeFeatures());
  if (!force && (status === "running" || status === "paused"))
    throw new BerthError("conflict", `cannot delete container ${id} that is not stopped: ${status}`);
  await destroy(container, log);
}

/** Kills what still runs. Hooks that fail are a line in the log. */
export async function destroy(container: Container, log: Log): Promise<void> {
  const { directory, process, spec } = container;
  if (process !== undefined) endProcess(process);
  const { cgroups } = probeFeatures();
  if (spec.linux.cgroupsPath !== undefined)
    await removeCgroup(cgroups, spec.linux.cgroupsPath, { kill: true });
  if ((spec.hooks?.poststop ?? []).length > 0) {
    const { runPoststopHooks } = await import("../runtime/hooks.ts");
    for (const failure of await runPoststopHooks(container)) log("error", failure);
  }
  removeDirectory(directory);
}

function endProcess(target: NonNullable<Container["process"]>): void {
  const pidfd = pidfdOpen(target.pid);
  if (pidfd === undefined) return;
  try {
    if (processState(target.pid, target.startTime) !== "alive") return;
    signalProcess(target, SIGKILL);
    waitForEnd(pidfd, PATIENCE_MS); // where it is frozen, removing its control group thaws it
  } finally {
    closeSync(pidfd);
  }
}
