/** How the shim looks after its process: the ops before anything of the container exists. */
import type { Op } from "./op.ts";
import {
  SUPERVISE_HANDOVER,
  SUPERVISE_INIT,
  SUPERVISE_STDIN,
  SUPERVISE_STDIN_ONCE,
  SUPERVISE_TTY,
} from "./protocol.ts";
import type { Handover, Supervision } from "./runtime.ts";
import type { Process } from "./spec.ts";

/** A grandchild that went away with the output open is waited for this long; moby daemon/monitor.go waits as long. */
const DRAIN_MS = 2000;
/** What is kept on disk for clients that lag behind, as long as the disk has room. */
const SPILL_MAX_BYTES = 4 * 2 ** 30;
const SPILL_SPARE_PERCENT = 5;

export function supervisionOps(
  id: string,
  process: Process,
  supervision: Supervision,
  oomCounterFile?: string,
  moreFlags = 0,
): Op[] {
  const { runDirectory, log, spillDirectory, handover } = supervision;
  const { height = 0, width = 0 } = process.consoleSize ?? {};
  const supervise: Op = {
    op: "supervise",
    id,
    runDirectory,
    flags: flagsOf(process, supervision) | moreFlags,
    rows: height,
    columns: width,
    drainMs: DRAIN_MS,
  };
  if (handover !== undefined) return [supervise, ...handoverOps(handover)];
  return [
    supervise,
    ...(log === undefined ? [] : [{ op: "log", ...log } as const]),
    { op: "spill", directory: spillDirectory, maxBytes: SPILL_MAX_BYTES, sparePercent: SPILL_SPARE_PERCENT },
    ...(oomCounterFile === undefined ? [] : [{ op: "oom-counter", file: oomCounterFile } as const]),
  ];
}

function handoverOps({ preserved, console, startFifo }: Handover): Op[] {
  return [
    ...(preserved === 0 && !console ? [] : [{ op: "descriptors", preserved, console } as const]),
    ...(startFifo === undefined ? [] : [{ op: "start-fifo", path: startFifo } as const]),
  ];
}

function flagsOf(process: Process, { openStdin, stdinOnce, init, handover }: Supervision): number {
  return (
    (handover === undefined ? 0 : SUPERVISE_HANDOVER) |
    (process.terminal ? SUPERVISE_TTY : 0) |
    (openStdin ? SUPERVISE_STDIN : 0) |
    (stdinOnce ? SUPERVISE_STDIN_ONCE : 0) |
    (init ? SUPERVISE_INIT : 0)
  );
}
