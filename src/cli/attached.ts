/** A container that starts with our streams joined to its own: `run` and `start --attach`. */
import type { Client } from "../client/client.ts";
import type { Exit } from "../client/containers.ts";
import { failed } from "./failure.ts";
import { isTerminal } from "./output.ts";
import { relay } from "./relay.ts";
import type { Size } from "./terminal.ts";

export interface Attachment {
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  readonly tty: boolean;
  /** The container goes away when it ends. */
  readonly remove: boolean;
  readonly detachKeys: string;
}

/** Starts `id` and gives its exit code, or 0 when the detach keys were typed. */
export async function startAttached(client: Client, id: string, attachment: Attachment): Promise<number> {
  const { stdin, stdout, stderr, tty, remove, detachKeys } = attachment;
  // Attached and waiting before the start: a container may be gone sooner than we can ask.
  const [connection, exit] = await Promise.all([
    client.containers.attach(id, { stdin, stdout, stderr, detachKeys }),
    client.containers.wait(id, remove ? "removed" : "next-exit"),
  ]);
  try {
    await client.containers.start(id);
  } catch (error) {
    connection.close();
    if (remove) await exit();
    throw error;
  }
  const stop = tty ? await followSize(client, id) : () => {};
  const end = await relay(connection, { stdin, tty, terminal: tty && stdin, detachKeys });
  stop();
  return end === "detached" ? 0 : await exitCode(exit);
}

/** The container's exit code; 125 when the engine could not tell. */
export async function exitCode(exit: Exit): Promise<number> {
  const { StatusCode: status, Error: error } = await exit();
  if (error) throw failed(125, `Error waiting for container: ${error.Message}`);
  return status;
}

/** The container's terminal gets the size of ours, now and whenever it changes; call the result to stop. */
export async function followSize(client: Client, id: string): Promise<() => void> {
  if (!isTerminal(1)) return () => {};
  const { terminalSize, watchSize } = await import("./terminal.ts");
  const resize = async (size: Size): Promise<void> => {
    await client.containers.resize(id, { h: size.rows, w: size.columns }).catch(() => {}); // it may just have ended
  };
  const size = await terminalSize();
  if (size !== undefined) await resize(size);
  return watchSize(resize);
}
