/** Commands that the engine performs for people at other processes. */
import { AsyncLocalStorage } from "node:async_hooks";
import { Elsewhere } from "../lib/elsewhere.ts";
import { parseSignal } from "../lib/signal.ts";
import { runCommandLine } from "./cli.ts";
import { type Desk, OutputClosed, sitAt, writeTrouble } from "./desk.ts";
import { printError } from "./output.ts";

/** A process that has asked; of front/front.ts, what is needed here. */
export interface Guest {
  readonly call: {
    readonly argv: readonly string[];
    readonly directory: string;
    readonly environment: Readonly<Record<string, string>>;
    readonly terminals: readonly boolean[];
  };
  readonly gone: Promise<void>;
  /** The errno of what it could not print, or 0. */
  readonly trouble: number;
  print(descriptor: number, bytes: Uint8Array): void;
  room(): Promise<void>;
  flush(): Promise<void>;
  onSignals(set: bigint, hear: (number: number) => void): void;
}

const desks = new AsyncLocalStorage<Desk>();
sitAt(() => desks.getStore());

/** The exit code. Throws Elsewhere, with nothing done, where the process must perform the command itself. */
export async function runCommandLineFor(guest: Guest): Promise<number> {
  const left = Promise.withResolvers<void>();
  const desk = deskOf(guest, Promise.race([left.promise, guest.gone]));
  return await desks.run(desk, () => perform(guest)).finally(left.resolve);
}

async function perform(guest: Guest): Promise<number> {
  const { argv, environment } = guest.call;
  const code = await runCommandLine(argv.slice(1), environment, {
    daemon: () => Promise.reject(new Elsewhere()),
  });
  await guest.flush();
  return guest.trouble === 0 ? code : codeOf(troubleOf(guest.trouble, 1));
}

/** What was found out behind the last word. */
function codeOf(trouble: Error): number {
  if (trouble instanceof OutputClosed) return 141;
  printError(trouble.message);
  return 1;
}

const ERRNO_NAMES: Readonly<Record<number, string>> = { 5: "EIO", 9: "EBADF", 28: "ENOSPC", 32: "EPIPE" };

function troubleOf(errno: number, descriptor: number): Error {
  return writeTrouble(descriptor, ERRNO_NAMES[errno]);
}

function deskOf(guest: Guest, left: Promise<void>): Desk {
  let isGone = false;
  void guest.gone.then(() => (isGone = true));
  const write = (descriptor: number, bytes: Uint8Array): void => {
    if (isGone) throw new OutputClosed("nobody is there any more");
    if (guest.trouble !== 0 && descriptor === 1) throw troubleOf(guest.trouble, descriptor);
    guest.print(descriptor, bytes);
  };
  return {
    ours: false,
    directory: () => guest.call.directory,
    isTerminal: (descriptor) => guest.call.terminals[descriptor] ?? false,
    write,
    async writeQuickly(descriptor, bytes) {
      write(descriptor, bytes);
      await guest.room();
    },
    onSignals(signals, hear) {
      const byNumber = new Map(signals.map((signal) => [parseSignal(signal), signal]));
      const set = [...byNumber.keys()].reduce((bits, number) => bits | (1n << BigInt(number - 1)), 0n);
      guest.onSignals(set, (number) => {
        const signal = byNumber.get(number);
        if (signal !== undefined) hear(signal);
      });
    },
    onLeave: (stop) => void left.then(stop),
  };
}
