/** `berth attach`. */
import type { Client } from "../client/client.ts";
import { BerthError } from "../lib/error.ts";
import type { ContainerInspectResponse } from "../wire/schema.ts";
import { exitCode, followSize } from "./attached.ts";
import { type Call, type Command, exactly } from "./command.ts";
import { failed } from "./failure.ts";
import { isTerminal } from "./output.ts";
import { relay } from "./relay.ts";
import { forwardSignals } from "./signals.ts";

export const attach: Command = {
  usage: "[OPTIONS] CONTAINER",
  args: exactly(1),
  completes: "running",
  flags: [
    { name: "detach-keys", value: "string", help: "Override the key sequence for detaching a container" },
    { name: "no-stdin", help: "Do not attach STDIN" },
    { name: "sig-proxy", help: "Proxy all received signals to the process", initial: "true" },
  ],
  async run(call: Call): Promise<number> {
    const { args, flags } = call;
    const client = await call.client();
    const container = await client.containers.inspect(args[0] ?? "");
    requireRunning(container);
    const id = container.Id ?? "";
    const tty = container.Config?.Tty === true;
    const stdin = !flags.on("no-stdin") && container.Config?.OpenStdin === true;
    if (tty && stdin && !isTerminal(0)) throw failed(1, "the input device is not a TTY");
    const detachKeys = flags.text("detach-keys");
    if (flags.on("sig-proxy") && !tty) forwardSignals((signal) => client.containers.kill(id, signal));
    const exit = await client.containers.wait(id, "not-running");
    const connection = await client.containers.attach(id, { stdin, stdout: true, stderr: true, detachKeys });
    if (tty) await redraw(client, id);
    const stop = tty ? await followSize(client, id) : () => {};
    const end = await relay(connection, { stdin, tty, terminal: tty && stdin, detachKeys });
    stop();
    if (end === "detached") throw failed(1, "read escape sequence");
    return await exitCode(exit);
  },
};

/** Another size for a moment makes the program inside draw its prompt anew, as docker does it. */
async function redraw(client: Client, id: string): Promise<void> {
  if (!isTerminal(1)) return;
  const { terminalSize } = await import("./terminal.ts");
  const size = await terminalSize();
  if (size !== undefined)
    await client.containers.resize(id, { h: size.rows + 1, w: size.columns + 1 }).catch(() => {});
}

function requireRunning({ State: state }: ContainerInspectResponse): void {
  if (state?.Running !== true) throw wrong("You cannot attach to a stopped container, start it first");
  if (state.Paused === true) throw wrong("You cannot attach to a paused container, unpause it first");
  if (state.Restarting === true)
    throw wrong("You cannot attach to a restarting container, wait until it is running");
}

function wrong(message: string): BerthError {
  return new BerthError("conflict", message);
}
