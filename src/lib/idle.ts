/** Does something once nobody has been here for a while; whoever comes in time prevents it. */

/** Told by everything that has visitors. */
export interface Visits {
  came(): void;
  went(): void;
}

export class Idle implements Visits {
  readonly #afterMs: number;
  readonly #act: () => void;
  #present = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(afterMs: number, act: () => void) {
    this.#afterMs = afterMs;
    this.#act = act;
  }

  came(): void {
    this.#present += 1;
    clearTimeout(this.#timer);
  }

  went(): void {
    this.#present -= 1;
    if (this.#present === 0) this.#timer = setTimeout(this.#act, this.#afterMs).unref();
  }
}
