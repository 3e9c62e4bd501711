/** How the shim looks after its process: the ops before anything of the container exists. */
import type { Op } from "./op.ts";
import { SUPERVISE_INIT, SUPERVISE_STDIN, SUPERVISE_STDIN_ONCE, SUPERVISE_TTY } from "./protocol.ts";
import type { Supervision } from "./runtime.ts";
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
): Op[] {
  const { runDirectory, log, spillDirectory } = supervision;
  const { height = 0, width = 0 } = process.consoleSize ?? {};
  return [
    {
      op: "supervise",
      id,
      runDirectory,
      flags: flagsOf(process, supervision),
      rows: height,
      columns: width,
      drainMs: DRAIN_MS,
    },
    ...(log === undefined ? [] : [{ op: "log", ...log } as const]),
    { op: "spill", directory: spillDirectory, maxBytes: SPILL_MAX_BYTES, sparePercent: SPILL_SPARE_PERCENT },
    ...(oomCounterFile === undefined ? [] : [{ op: "oom-counter", file: oomCounterFile } as const]),
  ];
}

function flagsOf(process: Process, { openStdin, stdinOnce, init }: Supervision): number {
  return (
    (process.terminal ? SUPERVISE_TTY : 0) |
    (openStdin ? SUPERVISE_STDIN : 0) |
    (stdinOnce ? SUPERVISE_STDIN_ONCE : 0) |
    (init ? SUPERVISE_INIT : 0)
  );
}
