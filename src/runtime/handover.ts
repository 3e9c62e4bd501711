/** Starting a process that nobody of ours keeps. What is awaited are hooks and devices of the network alone; the rest is synchronous, for a command that has nothing else to do. */
import { closeSync, readSync, writeSync } from "node:fs";
import { reap } from "../kernel/process-image.ts";
import { BerthError } from "../lib/error.ts";
import { type Failure, startError, warningText } from "./failure.ts";
import { FrameDecoder, hooksDoneFrame, type ShimMessage, startFrame } from "./frames.ts";
import type { Op } from "./op.ts";
import { PHASE_READY } from "./protocol.ts";
import type { ProcessIdentity } from "./runtime.ts";
import { spawnHandover } from "./shim.ts";

export interface HandoverOptions {
  /** To be preserved, then the console socket: as the plan's op `descriptors` says. */
  readonly descriptors?: readonly number[];
  /** It waits between mounts and pivot; what this throws ends it. */
  runtimeHooks?(process: ProcessIdentity): Promise<void>;
  /** It waits where nothing but the program is missing; what this throws ends it. */
  ready?(process: ProcessIdentity): void | Promise<void>;
  warn?(text: string): void;
}

/** Resolves when the process waits at its start fifo, or runs where it has none. It is our child then. Throws why it could not be started. */
export async function startHandedOver(
  ops: readonly Op[],
  options: HandoverOptions = {},
): Promise<ProcessIdentity> {
  const { pid, control } = spawnHandover(ops, options.descriptors ?? []);
  try {
    return await follow(control, ops, options);
  } finally {
    closeSync(control); // at a barrier this ends the process
    reap(pid);
  }
}

async function follow(
  control: number,
  ops: readonly Op[],
  { runtimeHooks, ready, warn }: HandoverOptions,
): Promise<ProcessIdentity> {
  let process: ProcessIdentity | undefined;
  let failure: Failure | undefined;
  for (const message of messages(control)) {
    if (message.type === "failed") failure = message;
    if (message.type === "warning") warn?.(warningText(ops, message));
    if (message.type === "barrier" && process !== undefined) {
      await runtimeHooks?.(process);
      writeSync(control, hooksDoneFrame());
    }
    if (message.type !== "state") continue;
    process = { pid: message.pid, startTime: message.startTime };
    if (message.phase !== PHASE_READY) continue;
    await ready?.(process);
    writeSync(control, startFrame());
  }
  if (failure !== undefined) {
    if (process !== undefined) reap(process.pid); // unburied it would hold up the end of a pid namespace that it has joined
    throw startError(ops, failure);
  }
  if (process === undefined) throw new BerthError("internal", "the shim is gone without a word");
  return process;
}

/** Until the shim has ended. */
function* messages(control: number): Generator<ShimMessage> {
  const decoder = new FrameDecoder();
  const buffer = Buffer.alloc(64 << 10);
  for (;;) {
    const size = readSync(control, buffer);
    if (size === 0) return;
    yield* decoder.push(buffer.subarray(0, size));
  }
}
