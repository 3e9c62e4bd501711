/** Shims that fronts have been asked to start, and that have not called yet. */
import type { Connection } from "./connection.ts";

export class Launches {
  readonly #expected = new Map<bigint, (control: Connection) => void>();

  /** A name for a launch, and the control connection that will come under it. */
  expect(): { readonly token: bigint; readonly control: Promise<Connection> } {
    const { promise, resolve } = Promise.withResolvers<Connection>();
    const token = crypto.getRandomValues(new BigUint64Array(1))[0] ?? 0n;
    this.#expected.set(token, resolve);
    return { token, control: promise };
  }

  forget(token: bigint): void {
    this.#expected.delete(token);
  }

  /** To whoever expects it; nobody else has a use for it. */
  hand(token: bigint, control: Connection): void {
    const take = this.#expected.get(token);
    this.#expected.delete(token);
    if (take === undefined) control.end();
    else take(control);
  }
}
