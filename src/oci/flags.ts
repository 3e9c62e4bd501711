/** Flags as runc's library reads them: `-f`, `--flag`, `--flag value`, `--flag=value`; the first word that is none ends them. */
import { demandPlain } from "./own-files.ts";
import { UsageError } from "./usage.ts";

export interface Flag {
  /** Without dashes; further names behind. */
  readonly names: readonly [string, ...string[]];
  /** What it takes; absent: nothing, it is on or off. `list` may be given several times. */
  readonly value?: "text" | "path" | "number" | "list";
  readonly help: string;
}

export class Flags {
  readonly #values = new Map<string, string[]>();

  add(name: string, value: string): void {
    this.#values.set(name, [...(this.#values.get(name) ?? []), value]);
  }

  has(name: string): boolean {
    return this.#values.has(name);
  }

  /** The last one counts. */
  text(name: string): string | undefined {
    return this.#values.get(name)?.at(-1);
  }

  on(name: string): boolean {
    return this.text(name) === "true";
  }

  number(name: string): number {
    return Number(this.text(name) ?? 0);
  }

  list(name: string): readonly string[] {
    return this.#values.get(name) ?? [];
  }
}

export interface Parsed {
  readonly flags: Flags;
  readonly args: readonly string[];
}

/** Throws a UsageError in the words of Go's flag package. `directory`: what relative paths begin at, where that is not our own. */
export function parseFlags(words: readonly string[], known: readonly Flag[], directory?: string): Parsed {
  const flags = new Flags();
  const take = (flag: Flag, name: string, value: string) =>
    flags.add(flag.names[0], located(flag, checked(flag, name, value), directory));
  let at = 0;
  for (; at < words.length; at += 1) {
    const word = words[at] ?? "";
    if (word === "--") return { flags, args: words.slice(at + 1) };
    if (!word.startsWith("-") || word === "-") break;
    const [, name = "", value] = /^--?([^=]*)(?:=([^]*))?$/.exec(word) ?? [];
    const flag = known.find(({ names }) => names.includes(name));
    if (flag === undefined) throw new UsageError(`flag provided but not defined: -${name}`);
    if (flag.value === undefined) flags.add(flag.names[0], truth(name, value));
    else if (value !== undefined) take(flag, name, value);
    else {
      at += 1;
      const next = words[at];
      if (next === undefined) throw new UsageError(`flag needs an argument: -${name}`);
      take(flag, name, next);
    }
  }
  return { flags, args: words.slice(at) };
}

function located({ value: kind }: Flag, value: string, directory: string | undefined): string {
  if (kind !== "path" || directory === undefined || value === "") return value;
  const path = value.startsWith("/") ? value : `${directory}/${value}`;
  demandPlain(path);
  return path;
}

function truth(name: string, value = "true"): string {
  if (/^(1|t|T|true|TRUE|True)$/.test(value)) return "true";
  if (/^(0|f|F|false|FALSE|False)$/.test(value)) return "false";
  throw new UsageError(`invalid boolean value "${value}" for -${name}: parse error`);
}

function checked(flag: Flag, name: string, value: string): string {
  if (flag.value === "number" && !/^[+-]?\d+$/.test(value))
    throw new UsageError(`invalid value "${value}" for flag -${name}: parse error`);
  return value;
}
