/** Ending a process politely or not: `kill`, `stop`, and pausing, which both have to know of. */
import { BerthError } from "../lib/error.ts";
import { parseSignal, SIGKILL, SIGTERM } from "../lib/signal.ts";
import type { ProcessHandle } from "../runtime/runtime.ts";
import { alreadyPaused, cannotKill, notPaused, notRunning } from "../wire/messages.ts";
import type { Container } from "./container.ts";
import type { Parts } from "./parts.ts";
import type { StopOptions } from "./requests.ts";

const DEFAULT_TIMEOUT_SECONDS = 10;
/** After SIGKILL only the kernel can be slow (a process in uninterruptible sleep). */
const KILL_TIMEOUT_MS = 10_000;

export function requireRunning(container: Container): ProcessHandle {
  if (container.handle !== undefined) return container.handle;
  throw new BerthError("conflict", notRunning(container.id));
}

export async function killContainer(
  parts: Parts,
  container: Container,
  text: string | undefined,
): Promise<void> {
  const signal = text ? parseSignal(text) : SIGKILL;
  const { handle } = container;
  if (handle === undefined)
    throw new BerthError("conflict", cannotKill(container.id, notRunning(container.id)));
  if (!(await signalContainer(parts, container, signal)))
    throw new BerthError("conflict", cannotKill(container.id, notRunning(container.id)));
  if (signal === SIGKILL) await within(handle.exited, KILL_TIMEOUT_MS);
}

/** False when the process has ended already. A paused one is woken by the signal that is meant to end it, as docker does. */
export async function signalContainer(parts: Parts, container: Container, signal: number): Promise<boolean> {
  const delivered = await container.handle?.signal(signal).then(() => true, hasEnded);
  if (delivered !== true) return false;
  parts.events.container(container, "kill", { signal: String(signal) });
  if (container.state.status === "paused") await wake(parts, container);
  return true;
}

function hasEnded(error: unknown): false {
  if (error instanceof BerthError && error.code === "not_found") return false;
  throw error;
}

/** `not_modified` when it does not run. */
export async function stopContainer(parts: Parts, container: Container, options: StopOptions): Promise<void> {
  const { handle } = container;
  if (handle === undefined) throw new BerthError("not_modified", notRunning(container.id));
  await endProcess(parts, container, handle, options);
  parts.events.container(container, "stop");
}

/** The polite signal, then SIGKILL after the time that was granted. */
async function endProcess(
  parts: Parts,
  container: Container,
  handle: ProcessHandle,
  options: StopOptions,
): Promise<void> {
  const { config } = container.spec;
  const asked = options.signal || config.StopSignal;
  const seconds = options.timeoutSeconds ?? config.StopTimeout ?? DEFAULT_TIMEOUT_SECONDS;
  if (seconds !== 0) {
    await signalContainer(parts, container, asked ? parseSignal(asked) : SIGTERM);
    if (await within(handle.exited, seconds < 0 ? undefined : seconds * 1000)) return;
  }
  if (container.handle === handle) await signalContainer(parts, container, SIGKILL);
  if (await within(handle.exited, KILL_TIMEOUT_MS)) return;
  throw new BerthError("internal", `container ${container.id} did not end within 10 seconds of SIGKILL`);
}

/** Whether `event` comes in time. Without a time it is waited for. */
async function within(event: Promise<unknown>, milliseconds: number | undefined): Promise<boolean> {
  if (milliseconds === undefined) return event.then(() => true);
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => resolve(false), milliseconds);
  void event.then(() => resolve(true));
  return promise.finally(() => clearTimeout(timer));
}

export async function pauseContainer(parts: Parts, container: Container): Promise<void> {
  using _held = await container.mutex.lock();
  const handle = requireRunning(container);
  const { state } = container;
  if (state.status === "paused") throw new BerthError("conflict", alreadyPaused(container.id));
  if (state.status !== "running") throw new BerthError("conflict", notRunning(container.id));
  try {
    await parts.runtimes.of(container.spec).pause(container.id);
  } catch (error) {
    if (container.handle === handle) throw error;
  }
  if (container.handle !== handle) throw new BerthError("conflict", notRunning(container.id)); // it ended meanwhile
  parts.registry.setState(container, { ...state, status: "paused" });
  parts.events.container(container, "pause");
}

export async function unpauseContainer(parts: Parts, container: Container): Promise<void> {
  using _held = await container.mutex.lock();
  if (container.state.status !== "paused") throw new BerthError("conflict", notPaused(container.id));
  await wake(parts, container);
}

async function wake(parts: Parts, container: Container): Promise<void> {
  try {
    await parts.runtimes.of(container.spec).unpause(container.id);
  } catch (error) {
    if (container.state.status === "paused") throw error;
  }
  const { state } = container; // it may have ended, or somebody else has woken it
  if (state.status !== "paused") return;
  parts.registry.setState(container, { ...state, status: "running" });
  parts.events.container(container, "unpause");
}
