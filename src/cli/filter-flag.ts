/** `--filter name=value`, which may be given again and again. */
import { BerthError } from "../lib/error.ts";
import type { Filters } from "../wire/filters.ts";
import type { Flag, Flags } from "./flags.ts";

export const FILTER_FLAG: Flag = {
  name: "filter",
  short: "f",
  value: "filter",
  many: true,
  help: "Filter output based on conditions provided",
  check: (text) => {
    if (text !== "" && !text.includes("=")) {
      throw new BerthError("invalid", "bad format of filter (expected name=value)");
    }
  },
};

export function filtersOf(flags: Flags): Filters {
  const filters = new Map<string, string[]>();
  for (const text of flags.list("filter").filter((one) => one !== "")) {
    const equals = text.indexOf("=");
    const name = text.slice(0, equals).trim().toLowerCase();
    filters.set(name, [...(filters.get(name) ?? []), text.slice(equals + 1).trim()]);
  }
  return filters;
}
