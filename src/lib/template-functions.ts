/** The functions of templates: Go's own and docker's (docker/cli templates/templates.go). */
import { BerthError } from "./error.ts";
import { formatSignificant } from "./size.ts";
import {
  compareValues,
  equalValues,
  isMap,
  isTrue,
  printValue,
  toJson,
  type Value,
} from "./template-values.ts";

export type TemplateFunction = (...args: Value[]) => Value;

export const FUNCTIONS: Readonly<Record<string, TemplateFunction>> = {
  // `and` and `or` stop early: the executor knows them; here for their names.
  and: (...args) => args.find((arg) => !isTrue(arg)) ?? args.at(-1),
  or: (...args) => args.find(isTrue) ?? args.at(-1),
  not: (value) => !isTrue(value),
  len: lengthOf,
  index: (value, ...keys) => keys.reduce(indexOne, value),
  slice: sliceOf,
  print: (...args) => args.map(printValue).join(""),
  println: (...args) => `${args.map(printValue).join(" ")}\n`,
  printf: (format, ...args) => formatText(text(format), args),
  html: (...args) =>
    args
      .map(printValue)
      .join("")
      .replaceAll(/[&<>"']/g, escapeHtml),
  js: (...args) => JSON.stringify(args.map(printValue).join("")).slice(1, -1),
  urlquery: (...args) => encodeURIComponent(args.map(printValue).join("")).replaceAll("%20", "+"),
  eq: (first, ...others) => {
    if (others.length === 0) throw wrong("missing argument for comparison");
    return others.some((other) => equalValues(first, other));
  },
  ne: (a, b) => !equalValues(a, b),
  lt: (a, b) => compared(a, b) < 0,
  le: (a, b) => compared(a, b) <= 0,
  gt: (a, b) => compared(a, b) > 0,
  ge: (a, b) => compared(a, b) >= 0,
  json: toJson,
  split: (value, separator) => text(value).split(text(separator)),
  join: (list, separator) => items(list).map(printValue).join(text(separator)),
  title: (value) =>
    text(value).replaceAll(
      /(^|[^\p{L}\p{N}_'])(\p{L})/gu,
      (_, before: string, letter: string) => before + letter.toUpperCase(),
    ),
  lower: (value) => text(value).toLowerCase(),
  upper: (value) => text(value).toUpperCase(),
  pad: (value, before, after) =>
    text(value) === "" ? "" : " ".repeat(Number(before)) + text(value) + " ".repeat(Number(after)),
  truncate: (value, length) => text(value).slice(0, Number(length)),
};

function lengthOf(value: Value): number {
  if (typeof value === "string") return new TextEncoder().encode(value).length;
  if (Array.isArray(value)) return value.length;
  if (isMap(value)) return Object.keys(value).length;
  throw wrong(
    value === null || value === undefined ? "len of nil pointer" : `len of type ${typeName(value)}`,
  );
}

function indexOne(value: Value, key: Value): Value {
  if (Array.isArray(value)) {
    if (typeof key !== "number") throw wrong(`cannot index slice/array with type ${typeName(key)}`);
    if (key < 0 || key >= value.length) throw wrong(`index out of range: ${key}`);
    return value[key];
  }
  if (isMap(value)) return Object.hasOwn(value, String(key)) ? value[String(key)] : "";
  if (typeof value === "string" && typeof key === "number") return new TextEncoder().encode(value)[key];
  throw wrong(
    value === null || value === undefined
      ? "index of untyped nil"
      : `can't index item of type ${typeName(value)}`,
  );
}

function sliceOf(value: Value, from: Value = 0, to?: Value): Value {
  if (typeof value !== "string" && !Array.isArray(value))
    throw wrong(`can't slice item of type ${typeName(value)}`);
  const end = to === undefined ? value.length : Number(to);
  if (Number(from) < 0 || Number(from) > end || end > value.length)
    throw wrong(`index out of range: ${printValue(to ?? from)}`);
  return value.slice(Number(from), end);
}

/** `%s`, `%d`, `%v`, `%q`, `%x`, `%t`, `%f`, `%.2f`, `%-10s`, `%%`. */
function formatText(format: string, args: readonly Value[]): string {
  let next = 0;
  return format.replaceAll(
    /%([-+# 0]*)(\d*)(?:\.(\d+))?([a-zA-Z%])/g,
    (_, flags: string, width: string, digits: string | undefined, verb: string) => {
      if (verb === "%") return "%";
      if (next >= args.length) return `%!${verb}(MISSING)`;
      const shown = formatOne(verb, args[next++], digits === undefined ? undefined : Number(digits));
      if (flags.includes("-")) return shown.padEnd(Number(width));
      return shown.padStart(Number(width), flags.includes("0") ? "0" : " ");
    },
  );
}

function formatOne(verb: string, value: Value, digits: number | undefined): string {
  switch (verb) {
    case "s":
    case "v":
      return digits === undefined ? printValue(value) : printValue(value).slice(0, digits);
    case "q":
      return JSON.stringify(printValue(value));
    case "x":
    case "X": {
      const hex =
        typeof value === "number" ? value.toString(16) : Buffer.from(printValue(value)).toString("hex");
      return verb === "X" ? hex.toUpperCase() : hex;
    }
    case "f":
      return Number(value).toFixed(digits ?? 6);
    case "g":
      return digits === undefined ? printValue(value) : formatSignificant(Number(value), digits);
    case "d":
      return typeof value === "number" ? String(value) : `%!d(${typeName(value)}=${printValue(value)})`;
    case "t":
      return typeof value === "boolean" ? String(value) : `%!t(${typeName(value)}=${printValue(value)})`;
    default:
      return `%!${verb}(${typeName(value)}=${printValue(value)})`;
  }
}

function compared(a: Value, b: Value): number {
  const order = compareValues(a, b);
  if (order === undefined) throw wrong("incompatible types for comparison");
  return order;
}

/** What Go calls the type. */
export function typeName(value: Value): string {
  if (value === null || value === undefined) return "nil";
  if (Array.isArray(value)) return "[]interface {}";
  if (typeof value === "number") return Number.isInteger(value) ? "int" : "float64";
  if (typeof value === "boolean") return "bool";
  return typeof value === "string" ? "string" : "map[string]interface {}";
}

function text(value: Value): string {
  if (typeof value === "string") return value;
  throw wrong(`wrong type for value; expected string; got ${typeName(value)}`);
}

function items(value: Value): readonly Value[] {
  if (Array.isArray(value)) return value;
  throw wrong(`wrong type for value; expected []string; got ${typeName(value)}`);
}

function escapeHtml(sign: string): string {
  return `&#${sign.codePointAt(0)};`;
}

function wrong(message: string): BerthError {
  return new BerthError("invalid", message);
}
