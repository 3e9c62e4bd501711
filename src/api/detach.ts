/** The key sequence that leaves a terminal running: `ctrl-p,ctrl-q` unless the client names another. */
import { BerthError } from "../lib/error.ts";

const DEFAULT = "ctrl-p,ctrl-q";
const CTRL = "@abcdefghijklmnopqrstuvwxyz[\\]^_";

/** The bytes of `ctrl-x,y,…` (moby/term ascii.go). */
export function parseDetachKeys(keys: string | undefined): Uint8Array {
  return Uint8Array.from((keys ?? DEFAULT).split(","), (key) => {
    if (key.length === 1) return key.charCodeAt(0);
    const code = key.startsWith("ctrl-") && key.length === 6 ? CTRL.indexOf(key.charAt(5)) : -1;
    if (code < 0) throw new BerthError("invalid", `Invalid detach keys (${keys}) provided`);
    return code;
  });
}

/**
 * Takes the sequence out of what is typed. Only single bytes count, as in moby/term proxy.go: keys come one by one,
 * and what is pasted or piped never detaches.
 */
export class DetachKeys {
  readonly #sequence: Uint8Array;
  #matched = 0;

  constructor(sequence: Uint8Array) {
    this.#sequence = sequence;
  }

  /** What goes on to the process, or `detach` when the sequence is complete. */
  pass(typed: Uint8Array): Uint8Array | "detach" {
    if (typed.length !== 1 || typed[0] !== this.#sequence[this.#matched]) return this.#release(typed);
    this.#matched++;
    return this.#matched === this.#sequence.length ? "detach" : new Uint8Array(0);
  }

  #release(typed: Uint8Array): Uint8Array {
    const held = this.#sequence.subarray(0, this.#matched);
    this.#matched = 0;
    return held.length === 0 ? typed : Buffer.concat([held, typed]);
  }
}
