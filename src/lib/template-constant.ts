/** Constants in templates: numbers, characters, and strings in Go's two ways of quoting. */
import type { Token } from "./template-lexer.ts";

export function constantOf({ kind, text }: Token): string | number {
  if (kind === "number") return Number(text.replaceAll("_", "").replace(/^\+/, ""));
  if (kind === "string" && text.startsWith("`")) return text.slice(1, -1);
  const value = unquote(text.slice(1, -1));
  return kind === "char" ? (value.codePointAt(0) ?? 0) : value;
}

const ESCAPES: Readonly<Record<string, string>> = {
  a: "\u0007",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
};

function unquote(text: string): string {
  return text.replaceAll(
    /\\(?:x([\da-fA-F]{2})|u([\da-fA-F]{4})|U([\da-fA-F]{8})|([0-7]{3})|(.))/g,
    (_, x?: string, u?: string, long?: string, octal?: string, sign = "") => {
      const hex = x ?? u ?? long;
      if (hex !== undefined) return String.fromCodePoint(Number.parseInt(hex, 16));
      if (octal !== undefined) return String.fromCodePoint(Number.parseInt(octal, 8));
      return ESCAPES[sign] ?? sign;
    },
  );
}
