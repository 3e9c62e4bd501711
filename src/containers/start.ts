/** Starting one container. Either everything it needs exists afterwards and it runs, or nothing does. */
import { existsSync, rmSync } from "node:fs";
import { BerthError } from "../lib/error.ts";
import { step } from "../lib/failpoint.ts";
import { rootOf } from "../lib/id-map.ts";
import { formatTime, unixNanoseconds } from "../lib/time.ts";
import type { Endpoint } from "../networks/endpoint.ts";
import { loopbackPlan } from "../networks/networks.ts";
import type { NetworkPlan } from "../runtime/network-plan.ts";
import type { ProcessHandle } from "../runtime/runtime.ts";
import { startPaused } from "../wire/messages.ts";
import type { Container } from "./container.ts";
import { networkEvent, watchExit } from "./exit.ts";
import { holdingIn, joinOthers } from "./join.ts";
import { toLaunch } from "./launch.ts";
import { mountRequests } from "./mounts.ts";
import { networkKind } from "./network.ts";
import { networkFilesIn, writeNetworkFiles } from "./network-files.ts";
import { requireOverlay } from "./overlay.ts";
import type { Parts } from "./parts.ts";
import { containerDirectory } from "./places.ts";
import { forget } from "./remove.ts";
import { requirePropagation } from "./sources.ts";
import { mountSharedMemory, unmountSharedMemory } from "./shared-memory.ts";
import { explainStartFailure } from "./start-failure.ts";

const SHM_BYTES = 64 << 20;

/** The program runs when this resolves; it may have ended already. */
export async function startContainer(parts: Parts, container: Container): Promise<void> {
  using _held = await container.mutex.lock();
  requireStartable(container);
  await container.settled;
  try {
    await launch(parts, container);
  } catch (error) {
    throw failed(parts, container, error);
  }
}

function requireStartable({ state, id }: Container): void {
  if (state.status === "running") throw new BerthError("not_modified", `container ${id} is already running`);
  if (state.status === "paused") throw new BerthError("conflict", startPaused);
  if (state.status === "removing")
    throw new BerthError("conflict", "container is marked for removal and cannot be started");
}

async function launch(parts: Parts, container: Container): Promise<void> {
  await requireOverlay(parts.features);
  requirePropagation(mountRequests(container.spec.hostConfig));
  await using undo = new AsyncDisposableStack();
  const endpoint = openEndpoint(parts, container, undo);
  const shared = openSharedMemory(parts, container, undo);
  using held = new DisposableStack(); // until the program runs: then it is in them
  const others = joinOthers(parts, container.spec, holdingIn(held));
  const own = networkFilesIn(containerDirectory(parts.places, container.id));
  if (container.autoRemove) forgetVolatileMount(containerDirectory(parts.places, container.id));
  if (others.files === undefined) writeNetworkFiles(own, container.spec, parts.networks, endpoint);
  step();
  const handle = await parts.runtimes.of(container.spec).create(
    toLaunch(parts, container.id, container.spec, {
      files: others.files ?? own,
      join: others.join,
      sharedShm: shared ?? others.sharedShm,
      network: networkPlan(parts, container, endpoint),
      waitForStart: container.pending.size > 0,
    }),
  );
  undo.defer(() => handle.release());
  step();
  await run(parts, container, handle);
  undo.move();
  if (endpoint !== undefined) networkEvent(parts, container, "connect");
  parts.events.container(container, "start");
  watchExit(parts, container, handle);
  await connectPending(container, handle).catch(() => cancelPending(container)); // who came while it started; it runs without them
}

/**
 * A volatile overlay refuses to be mounted twice, for it may have lost writes. Ours was mounted before only if an engine
 * died on the way: the program has never run, and nothing was written.
 */
function forgetVolatileMount(directory: string): void {
  if (!existsSync(`${directory}/work/work`)) return; // never mounted
  rmSync(`${directory}/work/work/incompat`, { recursive: true, force: true });
}

/** Clients who came before the process see its first byte. */
async function run(parts: Parts, container: Container, handle: ProcessHandle): Promise<void> {
  const connecting = connectPending(container, handle);
  await connecting.catch(() => undefined); // a process that never came to be: start() knows why
  await handle.start();
  await connecting;
  const startedAt = formatTime(handle.startedAt ?? unixNanoseconds());
  const { pid, startTime } = handle;
  parts.registry.setState(container, { status: "running", pid, startTime: String(startTime), startedAt });
  container.handle = handle; // nothing is waited for from here until its end is watched
}

async function connectPending(container: Container, handle: ProcessHandle): Promise<void> {
  for (const attachment of container.pending) {
    container.pending.delete(attachment);
    try {
      attachment.connect(await handle.attach(attachment.streams));
    } catch (error) {
      attachment.cancel();
      throw error;
    }
  }
}

function cancelPending({ pending }: Container): void {
  for (const attachment of pending) attachment.cancel();
  pending.clear();
}

function openEndpoint(parts: Parts, container: Container, undo: AsyncDisposableStack): Endpoint | undefined {
  const { config, hostConfig, endpoint } = container.spec;
  if (networkKind(hostConfig).kind !== "bridge" || config.NetworkDisabled) return undefined;
  undo.defer(() => parts.networks.release(container.id));
  const allocated = parts.networks.allocate(container.id, endpoint ?? {});
  step();
  return allocated;
}

function openSharedMemory(
  parts: Parts,
  { id, spec }: Container,
  undo: AsyncDisposableStack,
): string | undefined {
  if (spec.hostConfig.IpcMode !== "shareable") return undefined;
  undo.defer(() => unmountSharedMemory(parts.places, id));
  const owner = spec.idMap === undefined ? { uid: 0, gid: 0 } : rootOf(spec.idMap);
  return mountSharedMemory(parts.places, id, spec.hostConfig.ShmSize || SHM_BYTES, owner);
}

function networkPlan(
  parts: Parts,
  { spec }: Container,
  endpoint: Endpoint | undefined,
): NetworkPlan | undefined {
  if (endpoint !== undefined) return parts.networks.plan(endpoint);
  const { kind } = networkKind(spec.hostConfig);
  return kind === "none" || spec.config.NetworkDisabled ? loopbackPlan() : undefined;
}

/** Notes why, and lets go of those who wait; a container that is to remove itself does. */
function failed(parts: Parts, container: Container, error: unknown): unknown {
  const { exitCode, error: explained } = explainStartFailure(error, container.spec);
  const failure = { exitCode, error: explained.message };
  const { state } = container;
  const after =
    state.status === "exited" ? { ...state, ...failure } : ({ status: "created", failure } as const);
  cancelPending(container);
  try {
    if (container.autoRemove) forget(parts, container);
    else parts.registry.setState(container, after);
  } catch (unsaved) {
    parts.log("error", "a failed start could not be written down", {
      container: container.id,
      error: String(unsaved),
    });
  }
  return explained;
}
