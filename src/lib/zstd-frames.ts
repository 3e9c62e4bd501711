/** Follows the frames of a zstd stream without decompressing it, to know whether it ends where a frame ends (RFC 8878, section 3.1): zlib's streams do not say. */

const MAGIC = 0xfd2fb528;

type Step = "magic" | "descriptor" | "block" | "skip-size";

export class ZstdFrames {
  #step: Step = "magic";
  /** Bytes to gather before the step can be taken, and what is gathered of them. */
  #wanted = 4;
  #gathered: number[] = [];
  /** Bytes to pass over before the next step. */
  #skip = 0;
  #hasChecksum = false;

  push(chunk: Uint8Array): void {
    for (let at = 0; at < chunk.length;) {
      if (this.#skip > 0) {
        const passed = Math.min(this.#skip, chunk.length - at);
        this.#skip -= passed;
        at += passed;
        continue;
      }
      this.#gathered.push(chunk[at++] ?? 0);
      if (this.#gathered.length === this.#wanted) this.#take(this.#gathered.splice(0));
    }
  }

  /** Between two frames, or behind the last one. */
  get isWhole(): boolean {
    return this.#step === "magic" && this.#gathered.length === 0 && this.#skip === 0;
  }

  #take(bytes: readonly number[]): void {
    const value = bytes.reduce((sum, byte, index) => sum + byte * 256 ** index, 0);
    if (this.#step === "magic")
      this.#next(value === MAGIC ? "descriptor" : "skip-size", value === MAGIC ? 1 : 4);
    else if (this.#step === "skip-size") this.#next("magic", 4, value);
    else if (this.#step === "descriptor") this.#header(value);
    else this.#block(value);
  }

  #header(descriptor: number): void {
    const isSingle = (descriptor & 0x20) !== 0;
    const contentSize = [isSingle ? 1 : 0, 2, 4, 8][descriptor >> 6] ?? 0;
    const dictionary = [0, 1, 2, 4][descriptor & 3] ?? 0;
    this.#hasChecksum = (descriptor & 4) !== 0;
    this.#next("block", 3, (isSingle ? 0 : 1) + dictionary + contentSize);
  }

  #block(header: number): void {
    const RLE = 1;
    const isLast = (header & 1) !== 0;
    const length = ((header >> 1) & 3) === RLE ? 1 : header >> 3;
    if (isLast) this.#next("magic", 4, length + (this.#hasChecksum ? 4 : 0));
    else this.#next("block", 3, length);
  }

  #next(step: Step, wanted: number, skip = 0): void {
    this.#step = step;
    this.#wanted = wanted;
    this.#skip = skip;
  }
}
