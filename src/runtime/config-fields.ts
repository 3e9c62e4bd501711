/**
 * Values of JSON against the fields of the specification. What has the wrong type or is out of range is refused by its path. Unknown fields are
 * ignored, as the specification wants it; so is null, which Go programs write for what is empty.
 */
import { BerthError } from "../lib/error.ts";
import { CONFIG_FIELDS } from "./config-facts.ts";

/** A place in config.json: a leaf has a type, the rest has parts by name; `[]` is each of a list, `{}` each value of a map. */
interface Field {
  type?: string;
  required?: boolean;
  readonly parts: Map<string, Field>;
}

let root: Field | undefined;

export function configField(...path: readonly string[]): Field {
  root ??= fieldsOf(CONFIG_FIELDS);
  return path.reduce((field, name) => field.parts.get(name) ?? { parts: new Map() }, root);
}

/** Plain splitting: a runtime that lives for one container reads them cold, and a regular expression costs it a millisecond. */
function fieldsOf(facts: string): Field {
  const top: Field = { parts: new Map() };
  const lines = facts.trim().replaceAll("[]", ".[]").replaceAll("{}", ".{}").split("\n");
  for (const line of lines) {
    const [path = "", type = ""] = line.split(" ");
    const required = path.endsWith("!");
    addField(top, (required ? path.slice(0, -1) : path).split("."), type, required);
  }
  return top;
}

/** `a`, `b`, `[]`, `c`: what is required is the last that has a name. */
function addField(top: Field, path: readonly string[], type: string, required: boolean): void {
  let [at, named] = [top, top];
  for (const name of path) {
    at = part(at, name);
    if (name !== "[]" && name !== "{}") named = at;
  }
  at.type = type;
  if (required) named.required = true;
}

function part(field: Field, name: string): Field {
  const found = field.parts.get(name) ?? { parts: new Map() };
  field.parts.set(name, found);
  return found;
}

/** A copy with nothing in it that is no field. */
export function decodeField(value: unknown, field: Field, path: string): unknown {
  if (field.type !== undefined) return decodeLeaf(value, field.type, path);
  const each = field.parts.get("[]");
  if (each !== undefined) return decodeList(value, each, path);
  const entries = entriesOf(value, path);
  const values = field.parts.get("{}");
  if (values !== undefined)
    return Object.fromEntries(
      entries.map(([name, entry]) => [name, decodeField(entry, values, `${path}.${name}`)]),
    );
  return decodeParts(new Map(entries), field, path);
}

function decodeParts(given: ReadonlyMap<string, unknown>, field: Field, path: string): object {
  const decoded: Record<string, unknown> = {};
  for (const [name, inner] of field.parts) {
    const value = given.get(name) ?? undefined;
    const place = path === "" ? name : `${path}.${name}`;
    if (value !== undefined) decoded[name] = decodeField(value, inner, place);
    else if (inner.required === true) throw new BerthError("invalid", `${place}: is missing`);
  }
  return decoded;
}

function decodeList(value: unknown, each: Field, path: string): unknown[] {
  if (!Array.isArray(value)) throw unexpected(path, "a list", value);
  return value.map((entry, index) => decodeField(entry, each, `${path}[${index}]`));
}

function entriesOf(value: unknown, path: string): [string, unknown][] {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw unexpected(path, "an object", value);
  return Object.entries(value);
}

function decodeLeaf(value: unknown, type: string, path: string): unknown {
  if (type === "object") return Object.fromEntries(entriesOf(value, path));
  if (type === "string" || type === "boolean") {
    if (typeof value !== type)
      throw unexpected(path, type === "string" ? "a string" : "true or false", value);
    return value;
  }
  return decodeInteger(value, type, path);
}

function decodeInteger(value: unknown, type: string, path: string): number | bigint {
  const [least, most] = rangeOf(type);
  const whole = typeof value === "bigint" || (typeof value === "number" && Number.isInteger(value));
  if (!whole || value < least || value > most)
    throw unexpected(path, `an integer from ${least} to ${most}`, value);
  return typeof value === "bigint" && !EXACT.test(path)
    ? Number(value > UNLIMITED ? UNLIMITED : value)
    : value;
}

/** Looked at bit by bit, or compared with the largest of all. */
const EXACT = /^process\.rlimits|^linux\.seccomp/;
/** The largest double that the kernel reads as a signed number: for everything else numbers of that size are no limit. */
const UNLIMITED = 2n ** 63n - 1024n;

const ranges = new Map<string, readonly [bigint, bigint]>();

/** `uint32`; an integer without a size is Go's int. */
function rangeOf(type: string): readonly [bigint, bigint] {
  const known = ranges.get(type) ?? computeRange(type);
  ranges.set(type, known);
  return known;
}

function computeRange(type: string): readonly [bigint, bigint] {
  const [, unsigned, bits = "64"] = /^(u?)int(\d+)$/.exec(type) ?? [];
  const size = BigInt(bits);
  return unsigned === "u" ? [0n, 2n ** size - 1n] : [-(2n ** (size - 1n)), 2n ** (size - 1n) - 1n];
}

const SHOWN = 60;

function unexpected(path: string, expected: string, value: unknown): BerthError {
  const text = JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === "bigint" ? Number(inner) : inner,
  );
  const shown = text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text;
  return new BerthError(
    "invalid",
    `${path === "" ? "config.json" : path}: expected ${expected}, not ${shown}`,
  );
}
