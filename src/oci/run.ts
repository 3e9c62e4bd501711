/** `run`: create and start in one; in the foreground this process becomes the container's attendant, which starts it when it is ready for signals. */
import { closeSync } from "node:fs";
import { attendContainer, attendReadiness } from "./attend.ts";
import type { Call, Command } from "./command.ts";
import { type Container, startFifo } from "./container.ts";
import { CREATE_FLAGS } from "./create.ts";
import { destroy } from "./delete.ts";
import { launchContainer } from "./launch.ts";
import { listenForReadiness } from "./notify.ts";
import { startContainer } from "./start.ts";
import { detachedConsole, foregroundConsole, takeMaster } from "./terminal.ts";

export const run: Command = {
  flags: [
    ...CREATE_FLAGS,
    { names: ["detach", "d"], help: "do not wait for the process" },
    { names: ["keep"], help: "do not delete the container after it has ended" },
    { names: ["no-subreaper"], help: "of no effect: nobody's orphans are taken in" },
  ],
  usage: "<container-id>",
  help: "Makes a container of a bundle and executes its program.",
  least: 1,
  most: 1,
  failure: "runc run failed: ",
  run: runContainer,
};

async function runContainer(call: Call): Promise<number> {
  const { flags } = call;
  const detach = flags.on("detach");
  if (!detach) call.caller.keepSignals();
  const made = await launchContainer(call, call.args[0] ?? "", ({ process }) =>
    detach ? detachedConsole(call, process) : foregroundConsole(call, process),
  );
  const container = { ...made.record, directory: made.directory, process: made.process };
  const master = made.console === undefined ? undefined : takeMaster(made.console);
  const hooked = (container.spec.hooks?.poststart ?? []).length > 0;
  const readiness = await orDestroy(call, container, async () => {
    const listening = listenForReadiness(call, container.directory);
    if (detach || hooked) await startContainer(container);
    return listening;
  });
  if (!detach)
    return attendContainer(call, container, {
      keep: flags.on("keep"),
      startFifo: hooked ? "" : startFifo(container.directory),
      master,
      readiness,
    });
  if (master !== undefined) closeSync(master);
  return readiness === undefined ? 0 : attendReadiness(call, container.process, readiness);
}

async function orDestroy<T>(call: Call, container: Container, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    await destroy(container, call);
    throw error;
  }
}
