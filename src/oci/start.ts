/** `start`: the program of a container that create has made. */
import { closeSync, openSync, rmSync, writeSync } from "node:fs";
import { hasErrno } from "../kernel/error.ts";
import { signalProcess } from "../kernel/processes.ts";
import { BerthError } from "../lib/error.ts";
import { SIGKILL } from "../lib/signal.ts";
import { attendReadiness } from "./attend.ts";
import type { Command } from "./command.ts";
import { type Container, lockContainer, startFifo, statusOf } from "./container.ts";
import { listenForReadiness } from "./notify.ts";

export const start: Command = {
  flags: [],
  usage: "<container-id>",
  help: "Executes the program of a created container.",
  least: 1,
  most: 1,
  async run(call) {
    using locked = lockContainer(call, call.args[0] ?? "");
    const { container } = locked;
    const status = statusOf(container, call.features);
    if (status === "stopped") throw new BerthError("conflict", "cannot start a container that has stopped");
    if (status === "running") throw new BerthError("conflict", "cannot start an already running container");
    const readiness = listenForReadiness(call, container.directory);
    await startContainer(container);
    return readiness === undefined ? 0 : attendReadiness(call, container.process, readiness);
  },
};

const ENXIO = 6;
const ENOENT = 2;
const O_WRONLY_NONBLOCK = 1 | 0o4000;

/** Opens the fifo at which the process waits, and takes it away: started is what has none. */
export async function startContainer({ directory, process, ...source }: Container): Promise<void> {
  const path = startFifo(directory);
  try {
    const fifo = openSync(path, O_WRONLY_NONBLOCK);
    writeSync(fifo, "0");
    closeSync(fifo);
  } catch (error) {
    if (!hasErrno(error, ENXIO, ENOENT)) throw error;
    throw new BerthError("conflict", "cannot start a container that has stopped", { cause: error });
  }
  rmSync(path);
  if ((source.spec.hooks?.poststart ?? []).length === 0 || process === undefined) return;
  const { runHooks } = await import("../runtime/hooks.ts");
  try {
    await runHooks("poststart", source, "running", process.pid);
  } catch (error) {
    signalProcess(process, SIGKILL); // a container whose hook failed has no right to run
    throw error;
  }
}
