/** Checks JSON against the shape that Go's decoder would insist on, and names the field that is wrong. */
import { BerthError } from "../lib/error.ts";

/** `strings` is a list of texts that may also come as one text (Go's strslice). */
export type Shape =
  | "string"
  | "boolean"
  | "integer"
  | "number"
  | "strings"
  | "any"
  | { readonly list: Shape }
  | { readonly map: Shape }
  | { readonly fields: Readonly<Record<string, Shape>> };

/**
 * `value` with the fields it knows under their right names (Go does not mind their case). Null stays null; fields
 * that the shape does not know are kept: whoever takes the request refuses them by name.
 */
export function decodeAs(shape: Shape, value: unknown, path = ""): unknown {
  if (value === null || value === undefined || shape === "any") return value;
  if (typeof shape === "string") return decodeScalar(shape, value, path);
  if ("list" in shape) return decodeList(shape.list, value, path);
  const entries = Object.entries(requireObject(value, path));
  if ("map" in shape)
    return Object.fromEntries(
      entries.map(([name, item]) => [name, decodeAs(shape.map, item, join(path, name))]),
    );
  return Object.fromEntries(entries.map(([name, item]) => decodeField(shape.fields, name, item, path)));
}

function decodeField(fields: Readonly<Record<string, Shape>>, given: string, value: unknown, path: string) {
  const known = Object.hasOwn(fields, given) ? given : anyCase(fields, given);
  const shape = known === undefined ? undefined : fields[known];
  const name = known ?? given;
  return [name, decodeAs(shape ?? "any", value, join(path, name))] as const;
}

function anyCase(fields: Readonly<Record<string, Shape>>, given: string): string | undefined {
  const lower = given.toLowerCase();
  return Object.keys(fields).find((name) => name.toLowerCase() === lower);
}

function decodeScalar(shape: Shape & string, value: unknown, path: string): unknown {
  switch (shape) {
    case "strings":
      return typeof value === "string" ? [value] : decodeList("string", value, path);
    case "integer":
      if (typeof value !== "number" || !Number.isInteger(value) || Math.abs(value) > 2 ** 63)
        throw mismatch(path, "an integer", value);
      return value;
    default:
      if (typeof value !== shape)
        throw mismatch(path, shape === "boolean" ? "true or false" : `a ${shape}`, value);
      return value;
  }
}

function decodeList(shape: Shape, value: unknown, path: string): unknown[] {
  if (!Array.isArray(value)) throw mismatch(path, "a list", value);
  return value.map((item, index) => decodeAs(shape, item, `${path}[${index}]`));
}

function requireObject(value: unknown, path: string): object {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw mismatch(path, "an object", value);
  return value;
}

function mismatch(path: string, wanted: string, value: unknown): BerthError {
  const given = Array.isArray(value)
    ? "a list"
    : typeof value === "object"
      ? "an object"
      : JSON.stringify(value);
  const shown = given !== undefined && given.length > 40 ? `${given.slice(0, 40)}…` : given;
  return new BerthError(
    "invalid",
    `invalid JSON: ${path === "" ? "the body" : path} must be ${wanted}, not ${shown}`,
  );
}

function join(path: string, name: string): string {
  return path === "" ? name : `${path}.${name}`;
}
