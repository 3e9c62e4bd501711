/** Commands that the engine performs for people at other processes. */
import { AsyncLocalStorage } from "node:async_hooks";
import { Elsewhere } from "../lib/elsewhere.ts";
import { parseSignal } from "../lib/signal.ts";
import { runCommandLine } from "./cli.ts";
import { type Desk, OutputClosed, sitAt, writeTrouble } from "./desk.ts";
import { printError } from "./output.ts";

/** Why the process could not print, and where. */
interface Trouble {
  readonly errno: number;
  readonly descriptor: number;
}

/** A process that has asked; of front/front.ts, what is needed here. */
export interface Guest {
  readonly call: {
    readonly argv: readonly string[];
    readonly directory: string;
    readonly environment: Readonly<Record<string, string>>;
    readonly terminals: readonly boolean[];
  };
  readonly gone: Promise<void>;
  readonly trouble: Trouble | undefined;
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
  const desk = new GuestDesk(guest, Promise.race([left.promise, guest.gone]));
  return await desks.run(desk, () => perform(guest, desk)).finally(left.resolve);
}

async function perform(guest: Guest, desk: GuestDesk): Promise<number> {
  const { argv, environment } = guest.call;
  const code = await runCommandLine(argv.slice(1), environment, {
    daemon: () => Promise.reject(new Elsewhere()),
  });
  await guest.flush();
  return guest.trouble === undefined || desk.troubleIsKnown ? code : codeOf(guest.trouble);
}

/** What was found out behind the last word. Where it is about standard error nobody can be told. */
function codeOf(trouble: Trouble): number {
  const error = errorOf(trouble);
  if (error instanceof OutputClosed) return 141;
  if (trouble.descriptor !== 2) printError(error.message);
  return 1;
}

const ERRNO_NAMES: Readonly<Record<number, string>> = { 5: "EIO", 9: "EBADF", 28: "ENOSPC", 32: "EPIPE" };

function errorOf({ errno, descriptor }: Trouble): Error {
  return writeTrouble(descriptor, ERRNO_NAMES[errno]);
}

class GuestDesk implements Desk {
  readonly ours = false;
  /** The command has been told that its output is lost. */
  troubleIsKnown = false;
  readonly #guest: Guest;
  readonly #left: Promise<void>;
  #isGone = false;

  constructor(guest: Guest, left: Promise<void>) {
    this.#guest = guest;
    this.#left = left;
    void guest.gone.then(() => (this.#isGone = true));
  }

  directory(): string {
    return this.#guest.call.directory;
  }

  isTerminal(descriptor: number): boolean {
    return this.#guest.call.terminals[descriptor] ?? false;
  }

  write(descriptor: number, bytes: Uint8Array): void {
    if (descriptor === 1) this.#demandPrinted(); // complaints that nobody hears are no trouble of their own
    if (!this.#isGone) this.#guest.print(descriptor, bytes);
  }

  async writeQuickly(descriptor: number, bytes: Uint8Array): Promise<void> {
    this.write(descriptor, bytes);
    await this.#guest.room();
  }

  async flush(): Promise<void> {
    await this.#guest.flush();
    this.#demandPrinted();
  }

  onSignals(signals: readonly NodeJS.Signals[], hear: (signal: NodeJS.Signals) => void): void {
    const byNumber = new Map(signals.map((signal) => [parseSignal(signal), signal]));
    const set = [...byNumber.keys()].reduce((bits, number) => bits | (1n << BigInt(number - 1)), 0n);
    this.#guest.onSignals(set, (number) => {
      const signal = byNumber.get(number);
      if (signal !== undefined) hear(signal);
    });
  }

  onLeave(stop: () => void): void {
    void this.#left.then(stop);
  }

  #demandPrinted(): void {
    if (this.#isGone) throw new OutputClosed("nobody is there any more");
    const { trouble } = this.#guest;
    if (trouble?.descriptor !== 1) return;
    this.troubleIsKnown = true;
    throw errorOf(trouble);
  }
}
