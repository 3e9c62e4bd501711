/** Starting a process that nobody of ours keeps. */
import { BerthError } from "../lib/error.ts";
import { type Failure, startError, warningText } from "./failure.ts";
import { FrameDecoder, hooksDoneFrame, type ShimMessage, startFrame } from "./frames.ts";
import type { Op } from "./op.ts";
import { PHASE_READY, PHASE_RUNNING } from "./protocol.ts";
import type { ProcessIdentity } from "./runtime.ts";

/** Who starts the shim and is the parent of what it makes: this process, or one that we have a connection to. */
export interface Starter {
  /** With its own streams, and `descriptors` for the plan behind. */
  start(ops: readonly Op[], descriptors: readonly number[]): Started | Promise<Started>;
  /** Waits for a child that has ended, or is about to. */
  reap(pid: number): void;
}

/** A shim, and our end of its control connection. */
export interface Started {
  readonly pid: number;
  /** What it says, until it has ended. Where we have nothing else to do we wait for it; else there are promises. */
  readonly chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>;
  send(frame: Uint8Array): void;
  /** At a barrier this ends the process. */
  close(): void;
}

export interface HandoverOptions {
  /** To be preserved, then the console socket: as the plan's op `descriptors` says. */
  readonly descriptors?: readonly number[];
  /** It waits between mounts and pivot; what this throws ends it. */
  runtimeHooks?(process: ProcessIdentity): Promise<void>;
  /** It waits where nothing but the program is missing; what this throws ends it. */
  ready?(process: ProcessIdentity): void | Promise<void>;
  warn?(text: string): void;
}

/** Resolves when the process waits at its start fifo, or runs where it has none. It is the starter's child then. Throws why it could not be started. */
export async function startHandedOver(
  starter: Starter,
  ops: readonly Op[],
  options: HandoverOptions = {},
): Promise<ProcessIdentity> {
  const shim = await starter.start(ops, options.descriptors ?? []);
  try {
    return await follow(starter, shim, ops, options);
  } finally {
    shim.close();
    starter.reap(shim.pid);
  }
}

async function follow(
  starter: Starter,
  shim: Started,
  ops: readonly Op[],
  { runtimeHooks, ready, warn }: HandoverOptions,
): Promise<ProcessIdentity> {
  let process: ProcessIdentity | undefined;
  let running = false;
  let failure: Failure | undefined;
  for await (const message of messages(shim)) {
    if (message.type === "failed") failure = message;
    if (message.type === "warning") warn?.(warningText(ops, message));
    if (message.type === "barrier" && process !== undefined) {
      await runtimeHooks?.(process);
      shim.send(hooksDoneFrame());
    }
    if (message.type !== "state") continue;
    process = { pid: message.pid, startTime: message.startTime };
    running = message.phase === PHASE_RUNNING;
    if (message.phase !== PHASE_READY) continue;
    await ready?.(process);
    shim.send(startFrame());
  }
  if (failure !== undefined) {
    if (process !== undefined) starter.reap(process.pid); // unburied it would hold up the end of a pid namespace that it has joined
    throw startError(ops, failure);
  }
  if (process === undefined || !running)
    throw new BerthError("internal", "the shim was killed before the process had started");
  return process;
}

/** Until the shim has ended. */
async function* messages({ chunks }: Started): AsyncGenerator<ShimMessage> {
  const decoder = new FrameDecoder();
  for await (const chunk of chunks) yield* decoder.push(chunk);
}
