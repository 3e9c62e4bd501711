/** Classic BPF, written from its end to its beginning: every jump goes forward, so its target is always known. */

export const LD_W_ABS = 0x20;
export const JMP_JA = 0x05;
export const JMP_JEQ = 0x15;
export const JMP_JGT = 0x25;
export const JMP_JGE = 0x35;
export const ALU_AND = 0x54;
export const RET = 0x06;

/** How far a conditional jump reaches, with room for the instructions that are put in between. */
const REACH = 250;

/** A place in the program, counted from its end. */
export type Target = number;

interface Instruction {
  readonly code: number;
  readonly yes: number;
  readonly no: number;
  readonly constant: number;
}

export class Assembler {
  /** The last instruction first. */
  readonly #code: Instruction[] = [];
  /** The nearest place where each verdict is returned. */
  readonly #returns = new Map<number, Target>();

  get length(): number {
    return this.#code.length;
  }

  /** Where `verdict` is returned, near enough to be jumped to from here. */
  returns(verdict: number): Target {
    const known = this.#returns.get(verdict);
    if (known !== undefined && this.#distance(known) <= REACH) return known;
    const made = this.#emit({ code: RET, yes: 0, no: 0, constant: verdict });
    this.#returns.set(verdict, made);
    return made;
  }

  /** Puts `load the word at offset` in front of what is there. */
  load(offset: number): Target {
    return this.#emit({ code: LD_W_ABS, yes: 0, no: 0, constant: offset });
  }

  and(mask: number): Target {
    return this.#emit({ code: ALU_AND, yes: 0, no: 0, constant: mask });
  }

  /** What is put in front next runs on into `target`. */
  continueAt(target: Target): void {
    if (target !== this.length - 1) this.#jump(target);
  }

  /** Puts a comparison in front. Targets that are too far get a jump in between. */
  branch(code: number, constant: number, yes: Target, no: Target): Target {
    if (yes === no) return yes === this.length - 1 ? yes : this.#jump(yes);
    const nearNo = this.#near(no);
    const nearYes = this.#near(yes);
    return this.#emit({ code, yes: this.#distance(nearYes), no: this.#distance(nearNo), constant });
  }

  /** struct sock_filter[], little endian as every machine that berth runs on. */
  finish(): Uint8Array {
    const words = new Uint32Array(this.#code.length * 2);
    let at = words.length;
    for (const { code, yes, no, constant } of this.#code) {
      words[--at] = constant;
      words[--at] = code | (yes << 16) | (no << 24);
    }
    return new Uint8Array(words.buffer);
  }

  #near(target: Target): Target {
    return this.#distance(target) <= REACH ? target : this.#jump(target);
  }

  #jump(target: Target): Target {
    return this.#emit({ code: JMP_JA, yes: 0, no: 0, constant: this.#distance(target) });
  }

  /** How many instructions the next one would skip to get to `target`. */
  #distance(target: Target): number {
    return this.#code.length - 1 - target;
  }

  #emit(instruction: Instruction): Target {
    return this.#code.push(instruction) - 1;
  }
}
