/** Where the master of a container's terminal goes: to a socket of the engine's, or to us. */
import { closeSync, openSync } from "node:fs";
import { connectUnix, receiveDescriptor, socketpair } from "../kernel/sockets.ts";
import { BerthError } from "../lib/error.ts";
import type { Process } from "../runtime/spec.ts";
import { demandOurs } from "./caller.ts";
import type { Call } from "./command.ts";
import { isTerminal } from "./host-terminal.ts";

/** A connected socket, and for a terminal in the foreground our end of it. */
export interface Console {
  readonly socket: number;
  readonly ours?: number;
}

/** For a process that we leave alone. Undefined: it has no terminal. */
export function detachedConsole(
  { flags, caller }: Pick<Call, "flags" | "caller">,
  { terminal = false }: Pick<Process, "terminal">,
): Console | undefined {
  const path = flags.text("console-socket");
  if (terminal && path === undefined)
    throw new BerthError("invalid", "cannot allocate tty if runc will detach without setting console socket");
  if (!terminal && path !== undefined)
    throw new BerthError("invalid", "cannot use console socket if runc will not detach or allocate tty");
  if (path === undefined) return undefined;
  demandOurs(caller);
  return { socket: connectUnix(path) };
}

/** For a process in our foreground. */
export function foregroundConsole(
  { flags, caller }: Pick<Call, "flags" | "caller">,
  { terminal = false }: Pick<Process, "terminal">,
): Console | undefined {
  if (flags.has("console-socket"))
    throw new BerthError("invalid", "cannot use console socket if runc will not detach or allocate tty");
  if (!terminal) return undefined;
  demandOurs(caller);
  if (![0, 1, 2].some(isTerminal)) demandTerminal();
  const [ours, socket] = socketpair();
  return { socket, ours };
}

/** The terminal's master, once the process has made it. */
export function takeMaster(ours: number): number {
  const master = receiveDescriptor(ours);
  closeSync(ours);
  if (master === undefined) throw new BerthError("internal", "the process has sent no terminal");
  return master;
}

/** What runc says where none of our streams is one and we have no other. */
function demandTerminal(): void {
  try {
    closeSync(openSync("/dev/tty", "r+"));
  } catch (error) {
    throw new BerthError("unavailable", "open /dev/tty: no such device or address", { cause: error });
  }
  throw new BerthError("unavailable", "a terminal needs one of our own streams to be one");
}
