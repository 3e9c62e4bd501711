/** Detach keys: a sequence that leaves a terminal without reaching the process in it. */
import { BerthError } from "./error.ts";

export const DEFAULT_DETACH_KEYS = "ctrl-p,ctrl-q";

/** The bytes of `ctrl-p,ctrl-q`, `a,b`, `ctrl-@`, …; moby/term ascii.go. */
export function parseDetachKeys(text: string): Uint8Array {
  return Uint8Array.from(text.split(","), (key) => {
    const code = keyCode(key);
    if (code === undefined) throw new BerthError("invalid", `Invalid detach keys (${text}) provided`);
    return code;
  });
}

function keyCode(key: string): number | undefined {
  if (/^[\x21-\x7e]$/.test(key)) return key.charCodeAt(0);
  const control = /^ctrl-([a-z@[\\\]^_])$/i.exec(key)?.[1];
  return control === undefined ? undefined : control.toUpperCase().charCodeAt(0) - 0x40;
}

/** What a piece of input comes to: bytes for the process, and whether the sequence is complete. */
export interface Escaped {
  readonly bytes: Uint8Array;
  readonly detached: boolean;
}

/** Holds back what may be the begin of the sequence; nothing is lost when it was not. */
export class EscapeFilter {
  readonly #keys: Uint8Array;
  #matched = 0;

  constructor(keys: Uint8Array) {
    this.#keys = keys;
  }

  push(input: Uint8Array): Escaped {
    const passed: number[] = [];
    for (const byte of input) {
      if (byte === this.#keys[this.#matched]) {
        if (++this.#matched === this.#keys.length) return { bytes: Uint8Array.from(passed), detached: true };
        continue;
      }
      passed.push(...this.#keys.subarray(0, this.#matched));
      this.#matched = byte === this.#keys[0] ? 1 : 0;
      if (this.#matched === 0) passed.push(byte);
    }
    return { bytes: Uint8Array.from(passed), detached: false };
  }
}
