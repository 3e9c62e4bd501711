/** `rm`: first the record, then the bytes. A crash in between leaves a directory that nobody owns, which recovery removes. */
import { renameSync, truncateSync } from "node:fs";
import { BerthError } from "../lib/error.ts";
import { step } from "../lib/failpoint.ts";
import { SIGKILL } from "../lib/signal.ts";
import { removalInProgress, removeRunning } from "../wire/messages.ts";
import type { Container } from "./container.ts";
import type { Parts } from "./parts.ts";
import { logFiles } from "./log-files.ts";
import { containerDirectory, logPath, trashPath } from "./places.ts";
import { removeTree } from "./remove-tree.ts";
import { isRunning, lastExitCode } from "./state.ts";
import { signalContainer } from "./stop.ts";
import { usedBy } from "./used-by.ts";
import { giveBackUsers } from "./users.ts";

/** Gone when this resolves, for everybody who asks; its bytes go when there is time. */
export async function removeContainer(parts: Parts, container: Container, force: boolean): Promise<void> {
  for (;;) {
    requireRemovable(container, force);
    if (isRunning(container.state)) await endNow(parts, container);
    using _held = await container.mutex.lock();
    if (parts.registry.byId(container.id) !== container) return; // --rm was faster
    if (isRunning(container.state)) continue; // somebody started it meanwhile
    await container.settled;
    return forgetOnFullDisk(parts, container);
  }
}

/** Where not even the removal can be written down any more, the container's log makes room for it. */
function forgetOnFullDisk(parts: Parts, container: Container): void {
  try {
    forget(parts, container);
  } catch (error) {
    if (!(error instanceof BerthError) || error.code !== "no_space") throw error;
    for (const path of logFiles(logPath(parts.places, container.id))) truncateSync(path);
    forget(parts, container);
  }
}

function requireRemovable({ id, name, state }: Container, force: boolean): void {
  if (state.status === "removing") throw new BerthError("conflict", removalInProgress(id));
  if (isRunning(state) && !force) throw new BerthError("conflict", removeRunning(name, state.status));
}

async function endNow(parts: Parts, container: Container): Promise<void> {
  const { handle } = container;
  if (handle === undefined) return;
  await signalContainer(parts, container, SIGKILL);
  await handle.exited;
}

/** Synchronous up to the point where the container no longer exists. */
export function forget(parts: Parts, container: Container): void {
  const exitCode = lastExitCode(container.state);
  parts.registry.remove(container, () => parts.networks.erase(container.id));
  parts.networks.release(container.id);
  parts.registry.passState(container, { status: "removing" });
  giveBackUsers(parts, container.spec);
  parts.events.container(container, "destroy");
  for (const attachment of container.pending) attachment.cancel();
  container.waiters.removed({ StatusCode: exitCode });
  parts.images.release(usedBy(parts.registry));
  container.settled = container.settled
    .then(() => removeBytes(parts, container.id))
    .then(() => parts.registry.hasLeft(container));
}

/** Never rejects: what is left has no owner, and the next start removes it. */
export async function removeBytes(parts: Parts, id: string): Promise<void> {
  const trash = trashPath(parts.places, id);
  try {
    renameSync(containerDirectory(parts.places, id), trash);
    step();
    await removeTree(trash);
  } catch (error) {
    parts.log("warn", "the files of a removed container are left", { container: id, error: String(error) });
  }
}
