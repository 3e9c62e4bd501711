/** What happens when a container's process has ended: the state first, then those who wait, then what it used. */
import { step } from "../lib/failpoint.ts";
import { formatTime, parseTime } from "../lib/time.ts";
import type { ExitRecord, ProcessHandle } from "../runtime/runtime.ts";
import type { Container } from "./container.ts";
import type { Parts } from "./parts.ts";
import { forget } from "./remove.ts";
import { unmountSharedMemory } from "./shared-memory.ts";
import { isRunning } from "./state.ts";

/** Call once the container is known to run. */
export function watchExit(parts: Parts, container: Container, handle: ProcessHandle): void {
  void handle.exited.then((exit) => {
    if (!parts.closing.aborted) onExit(parts, container, handle, exit);
  });
}

function onExit(parts: Parts, container: Container, handle: ProcessHandle, exit: ExitRecord): void {
  recordExit(parts, container, exit);
  container.handle = undefined;
  container.settled = settle(parts, container, handle);
  container.waiters.exited({ StatusCode: exit.exitCode });
  if (container.autoRemove) attempt(parts, container, () => forget(parts, container));
}

/** The state of a process that has ended, also one that ended while no engine was there. Never throws. */
export function recordExit(parts: Parts, container: Container, exit: ExitRecord): void {
  const { state } = container;
  const startedAt = isRunning(state) ? state.startedAt : formatTime(exit.finishedAt);
  const { exitCode, oomKilled, error = "" } = exit;
  const finishedAt = formatTime(exit.finishedAt);
  const ended = { status: "exited", exitCode, oomKilled, startedAt, finishedAt, error } as const;
  if (container.autoRemove) parts.registry.passState(container, ended);
  else attempt(parts, container, () => parts.registry.setState(container, ended));
  if (oomKilled) parts.events.container(container, "oom");
  const seconds = (exit.finishedAt - (parseTime(startedAt) ?? exit.finishedAt)) / 1_000_000_000n;
  parts.events.container(container, "die", {
    execDuration: String(seconds),
    exitCode: String(exitCode),
    ...(error === "" ? {} : { error }),
  });
}

/** A full disk must not keep a container from ending. The next engine finds out again from what the shim wrote down. */
function attempt(parts: Parts, container: Container, write: () => void): void {
  try {
    write();
  } catch (error) {
    parts.log("error", "the end of a container could not be written down", {
      container: container.id,
      error: String(error),
    });
  }
}

/** Gives back what a run used; what fails keeps nothing else from it. Never rejects: what is left is found by the next recovery. */
export async function settle(parts: Parts, container: Container, handle: ProcessHandle): Promise<void> {
  const left = (error: unknown): void =>
    parts.log("warn", "something of an ended container is left", {
      container: container.id,
      error: String(error),
    });
  try {
    releaseNetwork(parts, container);
    step();
  } catch (error) {
    left(error);
  }
  await handle.release().catch(left);
  try {
    step();
    if (container.spec.hostConfig.IpcMode === "shareable") unmountSharedMemory(parts.places, container.id);
  } catch (error) {
    left(error);
  }
}

function releaseNetwork(parts: Parts, container: Container): void {
  const endpoint = parts.networks.find(container.id);
  if (endpoint === undefined) return;
  parts.networks.release(container.id);
  networkEvent(parts, container, "disconnect");
}

/** `network connect` and `disconnect`. */
export function networkEvent(parts: Parts, container: Container, action: "connect" | "disconnect"): void {
  const { id, name } = parts.networks.bridge();
  parts.events.network(action, id, { container: container.id, name, type: "bridge" });
}
