/** A process elsewhere that has asked for its command to be performed: what it is, and what only it can do. */
import { errnoText } from "../kernel/errno.ts";
import { BerthError } from "../lib/error.ts";
import type { Connection, Hearer } from "./connection.ts";
import type { Launches } from "./launches.ts";
import * as protocol from "./protocol.ts";

/** Why text could not be printed, and where. */
export interface Trouble {
  readonly errno: number;
  readonly descriptor: number;
}

/** A shim that it has started, and our end of the shim's control connection. */
export interface StartedShim {
  readonly pid: number;
  readonly control: Connection;
}

export class Front implements Hearer {
  readonly call: protocol.FrontCall;
  readonly #connection: Connection;
  readonly #launches: Launches;
  readonly #gone = Promise.withResolvers<void>();
  #launched: PromiseWithResolvers<number> | undefined;
  #printed: PromiseWithResolvers<void> | undefined;
  #hearSignal: ((number: number) => void) | undefined;
  #printing = false;
  #attending = false;
  #trouble: Trouble | undefined;

  constructor(call: protocol.FrontCall, connection: Connection, launches: Launches) {
    this.call = call;
    this.#connection = connection;
    this.#launches = launches;
  }

  /** Resolves when the process is not there any more. */
  get gone(): Promise<void> {
    return this.#gone.promise;
  }

  /** The first that it had with printing. */
  get trouble(): Trouble | undefined {
    return this.#trouble;
  }

  print(descriptor: number, text: string | Uint8Array): void {
    this.#printing = true;
    const bytes = typeof text === "string" ? Buffer.from(text) : text;
    this.#say(protocol.FRONT_PRINT, protocol.int32(descriptor), bytes);
  }

  /** Resolves when more may be printed without piling up. */
  room(): Promise<void> {
    return this.#connection.room();
  }

  /** Resolves when all is printed, as far as it can be. */
  async flush(): Promise<void> {
    if (!this.#printing) return;
    this.#printed = Promise.withResolvers();
    this.#say(protocol.FRONT_FLUSH);
    await Promise.race([this.#printed.promise, this.gone]);
    this.#printing = false;
  }

  /** From now on it hears of these signals instead of the process; bit N - 1 is signal N. */
  onSignals(set: bigint, hear: (number: number) => void): void {
    this.#hearSignal = hear;
    this.#say(protocol.FRONT_SIGNALS, protocol.uint64(set));
  }

  /** Signals that it is sent from now on wait until it is an attendant. */
  keepSignals(): void {
    this.#say(protocol.FRONT_KEEP);
  }

  /** Throws where it cannot, or is gone. */
  async launch(plan: Uint8Array): Promise<StartedShim> {
    const { token, control } = this.#launches.expect();
    try {
      this.#launched = Promise.withResolvers();
      this.#say(protocol.FRONT_LAUNCH, protocol.uint64(token), plan);
      const gone = this.gone.then(() => {
        throw new BerthError("unavailable", "the caller has gone");
      });
      const pid = await Promise.race([this.#launched.promise, gone]);
      if (pid < 0) throw new BerthError("internal", `the shim could not be started: ${errnoText(-pid)}`);
      return { pid, control: await Promise.race([control, gone]) };
    } finally {
      this.#launches.forget(token);
    }
  }

  reap(pid: number): void {
    this.#say(protocol.FRONT_REAP, protocol.int32(pid));
  }

  /** It becomes the attendant of a child of its own, and needs us no more. */
  attend(plan: Uint8Array): void {
    this.#attending = true;
    this.#say(protocol.FRONT_ATTEND, plan);
  }

  /** It ends with this exit code, unless it has become an attendant. */
  end(exitCode: number): Promise<void> {
    if (!this.#attending) this.#say(protocol.FRONT_END, protocol.int32(exitCode));
    return this.room();
  }

  goAlone(): void {
    this.#say(protocol.FRONT_ALONE);
  }

  hear({ type, body }: protocol.Frame): void {
    if (type === protocol.FRONT_LAUNCHED) this.#launched?.resolve(body.readInt32LE(0));
    if (type === protocol.FRONT_SIGNAL) this.#hearSignal?.(body.readInt32LE(0));
    if (type === protocol.FRONT_TROUBLE)
      this.#trouble ??= { errno: body.readInt32LE(0), descriptor: body.readInt32LE(4) };
    if (type === protocol.FRONT_PRINTED) this.#printed?.resolve();
  }

  closed(): void {
    this.#gone.resolve();
  }

  #say(type: number, ...parts: readonly Uint8Array[]): void {
    this.#connection.send(protocol.frame(type, ...parts));
  }
}
