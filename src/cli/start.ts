/** `berth start`: several in the background, or one with our streams joined to its own. */
import type { Client } from "../client/client.ts";
import { BerthError } from "../lib/error.ts";
import { startAttached } from "./attached.ts";
import { atLeast, type Call, type Command } from "./command.ts";
import { demandOurs } from "./desk.ts";
import { Failure, failed } from "./failure.ts";
import { expected } from "./many.ts";
import { isTerminal, print, printError } from "./output.ts";
import { forwardSignals } from "./signals.ts";

export const start: Command = {
  usage: "[OPTIONS] CONTAINER [CONTAINER...]",
  args: atLeast(1),
  completes: "stopped",
  flags: [
    { name: "attach", short: "a", help: "Attach STDOUT/STDERR and forward signals" },
    {
      name: "checkpoint",
      value: "string",
      help: "Restore from this checkpoint",
      unsupported: "there are no checkpoints",
    },
    {
      name: "checkpoint-dir",
      value: "string",
      help: "Checkpoint storage",
      unsupported: "there are no checkpoints",
    },
    { name: "detach-keys", value: "string", help: "Override the key sequence for detaching a container" },
    { name: "interactive", short: "i", help: "Attach container's STDIN" },
  ],
  async run(call) {
    const joined = call.flags.on("attach") || call.flags.on("interactive");
    if (!joined) return await startAll(await call.client(), call.args);
    if (call.args.length > 1)
      throw new BerthError("invalid", "you cannot start and attach multiple containers at once");
    return await startJoined(await call.client(), call);
  },
};

/** One after the other, as docker does it; every failure is told, and counted at the end. */
async function startAll(client: Client, refs: readonly string[]): Promise<number> {
  const failures: string[] = [];
  for (const ref of refs) {
    try {
      await client.containers.start(ref);
      print(ref);
    } catch (error) {
      printError(expected(error).message);
      failures.push(ref);
    }
  }
  if (failures.length > 0) throw failed(1, `Error: failed to start containers: ${failures.join(", ")}`);
  return 0;
}

async function startJoined(client: Client, { args, flags }: Call): Promise<number> {
  const { Id: id = "", Config: config, HostConfig: host } = await client.containers.inspect(args[0] ?? "");
  const tty = config?.Tty === true;
  const stdin = flags.on("interactive") && config?.OpenStdin === true;
  if (tty || stdin) demandOurs();
  if (tty && stdin && !isTerminal(0)) throw failed(1, "the input device is not a TTY");
  if (!tty) forwardSignals((signal) => client.containers.kill(id ?? "", signal));
  const detachKeys = flags.text("detach-keys");
  const remove = host?.AutoRemove === true;
  try {
    return await startAttached(client, id ?? "", {
      stdin,
      stdout: true,
      stderr: true,
      tty,
      remove,
      detachKeys,
    });
  } catch (error) {
    throw error instanceof BerthError ? new Failure(1, error.message) : error;
  }
}
