/** A volume that several containers share, and in which one of them exchanges a directory and a link to the outside all the time. */
import { expect } from "bun:test";
import { writeFile } from "node:fs/promises";
import { Revolving } from "./attacker.ts";
import { scratch, Target } from "./hostile.ts";

/** How often a victim is started: the race is won or lost anew each time. */
export const STARTS = 12;

export class RacedVolume implements AsyncDisposable {
  readonly target: Target;
  /** A directory of the host that victims bind; a file named `inside` is in it. */
  readonly source: string;
  readonly #shared: Revolving;

  private constructor(target: Target, source: string, shared: Revolving) {
    this.target = target;
    this.source = source;
    this.#shared = shared;
  }

  /** `images` makes what the tests need besides, before the exchanging begins. */
  static async start(images?: (target: Target) => Promise<void>): Promise<RacedVolume> {
    const target = await Target.start();
    const source = await scratch(target, "source");
    await writeFile(`${source}/inside`, "");
    await images?.(target);
    return new RacedVolume(target, source, await Revolving.start(target, "v"));
  }

  /** On the host: a directory at one moment, a link to `target.outside` at the next. */
  get door(): string {
    return `${this.#shared.volume}/door`;
  }

  /** Victims have the volume as /data, and SOURCE in their flags is the directory of the host. */
  async keepsInside(flags: readonly string[]): Promise<void> {
    const words = flags.map((flag) => flag.replace("SOURCE", this.source));
    for (let count = 0; count < STARTS; count++) {
      const volume = `${this.#shared.volume}:/data`;
      const { code } = await this.target.run("-v", volume, ...words, "busybox", "true");
      expect([0, 125]).toContain(code);
      await this.target.isUntouched();
    }
    await this.target.isUnharmed();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#shared[Symbol.asyncDispose]();
    await this.target[Symbol.asyncDispose]();
  }
}
