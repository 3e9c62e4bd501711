/** Flags as docker reads them (spf13/pflag): tables of `Flag` in, values out. Help and completion read the same tables. */
import { BerthError } from "../lib/error.ts";
import { failed } from "./failure.ts";

export interface Flag {
  readonly name: string;
  readonly short?: string | undefined;
  /** What the help calls the value: `string`, `int`, `list`, `bytes`. Without it the flag is a switch. */
  readonly value?: string;
  readonly help: string;
  /** What holds when the flag is not given; the help shows it unless it is empty, `0` or `false`. */
  readonly initial?: string;
  /** Every occurrence counts. */
  readonly many?: boolean;
  /** The value when none is given: such a flag takes one only as `--flag=value`. */
  readonly bare?: string;
  /** Throws a BerthError that says what is wrong with the value. */
  readonly check?: (text: string) => unknown;
  /** Docker has it, berth not yet: refused by name, left out of help. The text says what to do instead. */
  readonly unsupported?: string;
  readonly hidden?: boolean;
  /** What the shell completes: words, or a kind of thing that the engine knows. */
  readonly completes?: readonly string[] | "file" | "containers" | "images";
}

/** Values by flag name. Asking for a name that is not in the table is a bug. */
export class Flags {
  readonly #table: ReadonlyMap<string, Flag>;
  readonly #values = new Map<string, string[]>();

  constructor(table: readonly Flag[]) {
    this.#table = new Map(table.map((flag) => [flag.name, flag]));
  }

  given(name: string): boolean {
    return this.#values.has(this.#flag(name).name);
  }

  on(name: string): boolean {
    const text = this.#last(name);
    return text !== "" && parseSwitch(text);
  }

  text(name: string): string {
    return this.#last(name);
  }

  /** Zero when it is not given and has no initial value. */
  number(name: string): number {
    return Number(this.#last(name) || "0");
  }

  list(name: string): string[] {
    return [...(this.#values.get(this.#flag(name).name) ?? [])];
  }

  find(name: string): Flag | undefined {
    return this.#table.get(name);
  }

  findShort(letter: string): Flag | undefined {
    return [...this.#table.values()].find((flag) => flag.short === letter);
  }

  get names(): readonly string[] {
    return [...this.#table.values()].filter((flag) => !isHidden(flag)).map((flag) => flag.name);
  }

  /** Takes one occurrence; the value is checked here, so that the message can name the flag. */
  set(flag: Flag, text: string): void {
    if (flag.unsupported !== undefined) throw unsupportedFlag(flag);
    checkValue(flag, text);
    const before = flag.many ? (this.#values.get(flag.name) ?? []) : [];
    this.#values.set(flag.name, [...before, text]);
  }

  #last(name: string): string {
    return this.#values.get(name)?.at(-1) ?? this.#flag(name).initial ?? "";
  }

  #flag(name: string): Flag {
    const flag = this.#table.get(name);
    if (flag === undefined) throw new Error(`no flag is called ${name}`);
    return flag;
  }
}

export interface Parsed {
  readonly flags: Flags;
  readonly args: readonly string[];
  /** `--help` was among the words: nothing else counts. */
  readonly help: boolean;
}

/** `stopAtArgument`: what follows the first argument belongs to somebody else (`run IMAGE ls -l`). */
export function parseFlags(
  words: readonly string[],
  table: readonly Flag[],
  { stopAtArgument = false }: { stopAtArgument?: boolean } = {},
): Parsed {
  const flags = new Flags(table);
  const args: string[] = [];
  const rest = [...words];
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (word === "--") return { flags, args: [...args, ...rest], help: false };
    if (word.startsWith("-") && word !== "-") {
      if (takeFlag(flags, word, rest)) return { flags, args, help: true };
    } else {
      args.push(word);
      if (stopAtArgument) return { flags, args: [...args, ...rest], help: false };
    }
  }
  return { flags, args, help: false };
}

const YES = ["true", "1", "t", "T", "TRUE", "True"];
const NO = ["false", "0", "f", "F", "FALSE", "False"];

/** A Go boolean; docker's words when it is none. */
export function parseSwitch(text: string): boolean {
  if (YES.includes(text)) return true;
  if (NO.includes(text)) return false;
  throw new BerthError("invalid", `strconv.ParseBool: parsing ${JSON.stringify(text)}: invalid syntax`);
}

/** A Go integer in base 10, 16, 8 or 2, as pflag reads them; the text must be one. */
export function checkInteger(text: string): void {
  if (!/^[+-]?(\d+|0[xX][\da-fA-F]+|0[oO]?[0-7]+|0[bB][01]+)$/.test(text)) {
    throw new BerthError("invalid", `strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`);
  }
}

/** True when the word asks for help. */
function takeFlag(flags: Flags, word: string, rest: string[]): boolean {
  return word.startsWith("--") ? takeLong(flags, word, rest) : takeShorts(flags, word.slice(1), rest);
}

function takeLong(flags: Flags, word: string, rest: string[]): boolean {
  const [name = "", ...parts] = word.slice(2).split("=");
  if (name === "" || name.startsWith("-")) throw failed(125, `bad flag syntax: ${word}`);
  const flag = flags.find(name);
  if (flag === undefined) {
    if (name === "help") return parts.length === 0 || parseSwitch(parts.join("="));
    throw unknownFlag(flags, name);
  }
  const value = parts.length > 0 ? parts.join("=") : (bareValue(flag) ?? rest.shift());
  if (value === undefined) throw failed(125, `flag needs an argument: --${name}`);
  flags.set(flag, value);
  return false;
}

function takeShorts(flags: Flags, cluster: string, rest: string[]): boolean {
  for (let letters = cluster; letters !== ""; letters = letters.slice(1)) {
    const letter = letters.slice(0, 1);
    const flag = flags.findShort(letter);
    if (flag === undefined) {
      if (letter === "h") return true;
      throw failed(125, `unknown shorthand flag: '${letter}' in -${letters}`);
    }
    if (letters[1] !== "=" && bareValue(flag) !== undefined) {
      flags.set(flag, bareValue(flag) ?? "");
      continue;
    }
    flags.set(flag, shortValue(letters, rest));
    break;
  }
  return false;
}

/** `-e=A`, `-eA` or `-e A`. */
function shortValue(letters: string, rest: string[]): string {
  if (letters.length > 1) return letters[1] === "=" ? letters.slice(2) : letters.slice(1);
  const value = rest.shift();
  if (value === undefined) throw failed(125, `flag needs an argument: '${letters}' in -${letters}`);
  return value;
}

function bareValue(flag: Flag): string | undefined {
  return flag.value === undefined ? "true" : flag.bare;
}

function checkValue(flag: Flag, text: string): void {
  const check = flag.check ?? (flag.value === undefined ? parseSwitch : CHECKS[flag.value]);
  try {
    check?.(text);
  } catch (error) {
    if (!(error instanceof BerthError)) throw error;
    const name = flag.short === undefined ? `--${flag.name}` : `-${flag.short}, --${flag.name}`;
    throw failed(125, `invalid argument ${JSON.stringify(text)} for "${name}" flag: ${error.message}`);
  }
}

const CHECKS: Readonly<Record<string, (text: string) => void>> = { int: checkInteger };

function unknownFlag(flags: Flags, name: string): Error {
  return failed(125, `unknown flag: --${name}`, { meant: { word: name, among: flags.names, prefix: "--" } });
}

function unsupportedFlag(flag: Flag): Error {
  return failed(125, `--${flag.name} is not supported yet: ${flag.unsupported}`);
}

export function isHidden(flag: Flag): boolean {
  return flag.hidden === true || flag.unsupported !== undefined;
}
