/** Filters of list, events and prune: `{"status":["paused"]}`, or `{"status":{"paused":true}}` as Go clients send it. */
import { BerthError } from "../lib/error.ts";

/** Filter name → its values, in the order they came, without doubles. */
export type Filters = ReadonlyMap<string, readonly string[]>;

export const NO_FILTERS: Filters = new Map();

/** Both JSON forms; no text means no filters. Anything else is docker's `invalid filter`. */
export function parseFilters(text: string | undefined): Filters {
  if (text === undefined || text === "") return NO_FILTERS;
  const parsed = parseObject(text);
  return new Map(Object.entries(parsed).map(([name, values]) => [name, valuesOf(values)]));
}

/** The form that every version of the API reads. */
export function formatFilters(filters: Filters): string {
  const entries = [...filters].map(([name, values]) => [
    name,
    Object.fromEntries(values.map((v) => [v, true])),
  ]);
  return JSON.stringify(Object.fromEntries(entries));
}

/** Refuses a filter whose name is not in `accepted`, in docker's words (moby api/types/filters/errors.go). */
export function requireFilters(filters: Filters, accepted: readonly string[]): void {
  for (const name of filters.keys()) if (!accepted.includes(name)) throw invalidFilter(name);
}

/** A filter that is yes or no, such as `dangling`; undefined when it is not given. */
export function booleanFilter(filters: Filters, name: string): boolean | undefined {
  const values = filters.get(name);
  if (values === undefined) return undefined;
  const yes = values.some((value) => value === "1" || value === "true");
  const no = values.some((value) => value === "0" || value === "false");
  if (yes === no) throw invalidFilter(name, values);
  return yes;
}

/** `invalid filter 'name=[value]'`. */
export function invalidFilter(name: string, values?: readonly string[]): BerthError {
  const shown = values === undefined ? name : `${name}=[${values.join(" ")}]`;
  return new BerthError("invalid", `invalid filter '${shown}'`);
}

/** Whether `labels` satisfy every `key` or `key=value` of the filter `name` (`label`); true when it is not given. */
export function matchLabels(
  filters: Filters,
  name: string,
  labels: Readonly<Record<string, string>>,
): boolean {
  return (filters.get(name) ?? []).every((wanted) => {
    const [key = "", ...value] = wanted.split("=");
    return Object.hasOwn(labels, key) && (value.length === 0 || labels[key] === value.join("="));
  });
}

function parseObject(text: string): object {
  try {
    const parsed: unknown = JSON.parse(text);
    if (typeof parsed === "object" && !Array.isArray(parsed)) return parsed ?? {};
  } catch {
    // not JSON at all: the same words as for JSON of another shape
  }
  throw new BerthError("invalid", "invalid filter");
}

function valuesOf(values: unknown): string[] {
  if (values === null) return [];
  if (Array.isArray(values) && values.every((value) => typeof value === "string"))
    return [...new Set(values)];
  if (typeof values === "object" && Object.values(values).every((set) => typeof set === "boolean"))
    return Object.keys(values);
  throw new BerthError("invalid", "invalid filter");
}
