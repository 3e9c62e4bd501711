/** The words of a Go template: text, and what stands between `{{` and `}}` (Go's text/template/parse/lex.go). */
import { templateError } from "./template-error.ts";

export type TokenKind =
  | "text"
  | "left"
  | "right"
  | "space"
  | "field" // .Name
  | "variable" // $, $name
  | "dot"
  | "name"
  | "string"
  | "number"
  | "char"
  | "(" // and so on: the sign itself
  | ")"
  | "|"
  | "="
  | ":="
  | ","
  | "end";

export interface Token {
  readonly kind: TokenKind;
  readonly text: string;
  /** Offset in the source. */
  readonly at: number;
}

const SPACES = " \t\r\n";
/** Names are ASCII: classes of Unicode would cost a command line milliseconds, and docker's fields have none. */
const INSIDE: readonly (readonly [TokenKind, RegExp])[] = [
  ["space", /\s+/y],
  ["string", /"(?:[^"\\\n]|\\.)*"|`[^`]*`/y],
  ["char", /'(?:[^'\\\n]|\\.)+'/y],
  [
    "number",
    /[+-]?(?:0[xX][\da-fA-F_]+|0[oO]?[0-7_]+|0[bB][01_]+|(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)(?![\w.])/y,
  ],
  ["field", /\.[A-Za-z_]\w*/y],
  ["variable", /\$\w*/y],
  ["name", /[A-Za-z_]\w*/y],
  [":=", /:=/y],
  ["dot", /\./y],
];

export function lexTemplate(source: string): Token[] {
  const tokens: Token[] = [];
  let trim = false;
  for (let at = 0; at < source.length;) {
    const left = source.indexOf("{{", at);
    const end = left < 0 ? source.length : left;
    const trimsLeft = left >= 0 && source[left + 2] === "-" && SPACES.includes(source[left + 3] ?? "");
    addText(tokens, source.slice(at, end), at, trim, trimsLeft);
    if (left < 0) break;
    const start = left + (trimsLeft ? 3 : 2);
    const action = lexAction(source, left, start);
    tokens.push(...action.tokens);
    ({ end: at, trim } = action);
  }
  tokens.push({ kind: "end", text: "EOF", at: source.length });
  return tokens;
}

function addText(tokens: Token[], text: string, at: number, trimStart: boolean, trimEnd: boolean): void {
  const front = trimStart ? text.trimStart() : text;
  const whole = trimEnd ? front.trimEnd() : front;
  if (whole !== "") tokens.push({ kind: "text", text: whole, at });
}

interface Action {
  readonly tokens: readonly Token[];
  readonly end: number;
  readonly trim: boolean;
}

function lexAction(source: string, left: number, start: number): Action {
  const comment = /\s*\/\*[^]*?\*\/(\s+-)?\}\}/y;
  comment.lastIndex = start;
  const found = comment.exec(source);
  if (found !== null) return { tokens: [], end: comment.lastIndex, trim: found[1] !== undefined };
  const tokens: Token[] = [{ kind: "left", text: "{{", at: left }];
  for (let at = start; at < source.length;) {
    if (/^\s-\}\}/.test(source.slice(at, at + 4))) return closed(tokens, at + 4, true);
    if (source.startsWith("}}", at)) return closed(tokens, at + 2, false);
    const token = lexInside(source, at);
    tokens.push(token);
    at += token.text.length;
  }
  throw templateError(source, left, "unclosed action");
}

function closed(tokens: Token[], end: number, trim: boolean): Action {
  return { tokens: [...tokens, { kind: "right", text: "}}", at: end - 2 }], end, trim };
}

function lexInside(source: string, at: number): Token {
  for (const [kind, pattern] of INSIDE) {
    pattern.lastIndex = at;
    const text = pattern.exec(source)?.[0];
    // `{{1 -}}`: the blank before a trim marker is not ours to take.
    if (text === undefined) continue;
    if (kind === "space") return space(source, at, text);
    if (kind === "field" || kind === "variable" || kind === "name") requireEnd(source, at + text.length);
    return { kind, text, at };
  }
  const sign = source[at] ?? "";
  if (sign === "(" || sign === ")" || sign === "|" || sign === "=" || sign === ",") {
    return { kind: sign, text: sign, at };
  }
  if (sign === '"') throw templateError(source, at, "unterminated quoted string");
  if (sign === "`") throw templateError(source, at, "unterminated raw quoted string");
  throw templateError(source, at, `unrecognized character in action: ${codePoint(sign)}`);
}

/** A name must not run into something else. */
function requireEnd(source: string, at: number): void {
  const sign = source[at];
  if (sign === undefined || /[\s.,|:)(=]/.test(sign) || source.startsWith("}}", at)) return;
  throw templateError(source, at, `bad character ${codePoint(sign)}`);
}

/** As Go's `%#U`. */
function codePoint(sign: string): string {
  return `U+${(sign.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")} '${sign}'`;
}

function space(source: string, at: number, text: string): Token {
  const keep = source.startsWith("-}}", at + text.length) ? text.slice(0, -1) || text : text;
  return { kind: "space", text: keep, at };
}
