/** Values in templates: plain JSON, and functions that stand for methods. How Go prints, compares and doubts them. */

export type Value = unknown;

/** A typed nil of Go: prints and ranges as an empty list or map, and is `null` in JSON. */
export class NilList extends Array<never> {
  toJSON(): null {
    return null;
  }
}
export class NilMap {
  toJSON(): null {
    return null;
  }
}

/** Go's truth: not zero, not empty. */
export function isTrue(value: Value): boolean {
  if (Array.isArray(value)) return value.length > 0;
  if (isMap(value)) return Object.keys(value).length > 0;
  return Boolean(value);
}

export function isMap(value: Value): value is Record<string, Value> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** As Go's fmt.Print: `[a b]`, `map[a:1 b:2]`, `<nil>`; what is missing is `<no value>`. */
export function printValue(value: Value): string {
  if (value === undefined) return "<no value>";
  if (value === null) return "<nil>";
  if (Array.isArray(value)) return `[${value.map(printValue).join(" ")}]`;
  if (typeof value === "number") return printNumber(value);
  if (isMap(value)) {
    const keys = Object.keys(value).toSorted();
    return `map[${keys.map((key) => `${key}:${printValue(value[key])}`).join(" ")}]`;
  }
  return String(value);
}

function printNumber(value: number): string {
  if (Number.isInteger(value)) return String(value);
  return String(value).replace(/e([+-])(\d)$/, "e$10$2");
}

/** JSON as Go's encoder writes it: keys of maps as they come, no escapes for HTML. */
export function toJson(value: Value): string {
  return JSON.stringify(value ?? null, (_, one: unknown) => (typeof one === "function" ? undefined : one));
}

/** Negative, zero or positive; undefined when the two cannot be compared. */
export function compareValues(a: Value, b: Value): number | undefined {
  if (typeof a === "number" && typeof b === "number") return a - b;
  if (typeof a === "string" && typeof b === "string") return a < b ? -1 : a > b ? 1 : 0;
  return undefined;
}

export function equalValues(a: Value, b: Value): boolean {
  return a === b || ((a === null || a === undefined) && (b === null || b === undefined));
}
