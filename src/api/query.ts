/** The query of a request, read as leniently as Docker's server reads it (moby api/server/httputils/form.go). */
import { BerthError } from "../lib/error.ts";
import { type Filters, parseFilters } from "../wire/filters.ts";

const NO = new Set(["", "0", "no", "false", "none"]);

export class Query {
  readonly #values: URLSearchParams;
  readonly #declared: readonly string[];

  /** Only the declared names may be asked for: the route table is complete, and a test compares it with docker's. */
  constructor(text: string, declared: readonly string[]) {
    this.#values = new URLSearchParams(text);
    this.#declared = declared;
  }

  /** Undefined when it is absent or empty. */
  text(name: string): string | undefined {
    return this.#first(name) || undefined;
  }

  /** A text without which the request makes no sense. */
  required(name: string): string {
    const value = this.text(name);
    if (value === undefined) throw new BerthError("invalid", `bad parameter: ${name} cannot be empty`);
    return value;
  }

  /** Every value of a name that may come several times. */
  texts(name: string): string[] {
    this.#require(name);
    return this.#values.getAll(name);
  }

  /** Everything but `0`, `no`, `false`, `none` and nothing is yes. */
  flag(name: string, whenAbsent = false): boolean {
    const value = this.#first(name);
    return value === undefined ? whenAbsent : !NO.has(value.trim().toLowerCase());
  }

  /** A whole number as Go's strconv.Atoi reads it. */
  integer(name: string): number | undefined {
    const value = this.text(name);
    if (value === undefined) return undefined;
    if (!/^[+-]?\d{1,18}$/.test(value))
      throw new BerthError("invalid", `strconv.Atoi: parsing ${JSON.stringify(value)}: invalid syntax`);
    return Number(value);
  }

  /** Rows or columns of a terminal; `what` as docker calls it. */
  terminalSize(name: string, what: string): number {
    const value = this.#first(name) ?? "";
    const problem = !/^-?\d+$/.test(value) ? "invalid syntax" : outOfRange(value) ? "value out of range" : "";
    if (problem === "") return Number(value);
    throw new BerthError("invalid", `invalid resize ${what} ${JSON.stringify(value)}: ${problem}`);
  }

  filters(): Filters {
    return parseFilters(this.text("filters"));
  }

  #first(name: string): string | undefined {
    this.#require(name);
    return this.#values.get(name) ?? undefined;
  }

  #require(name: string): void {
    if (!this.#declared.includes(name)) throw new Error(`the route does not declare its parameter ${name}`);
  }
}

/** Terminals count in 16 bits; the kernel would cut larger numbers without a word. */
function outOfRange(digits: string): boolean {
  return Number(digits) < 0 || Number(digits) > 65_535;
}
