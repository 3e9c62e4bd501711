/** Shell patterns for one path, as Go's path.Match reads them: `*` and `?` stop at `/`, `[a-z]`, `[^x]`, `\` quotes. */
import { BerthError } from "./error.ts";

/** The pattern as an anchored regular expression; `invalid` where Go says "syntax error in pattern". */
export function compileGlob(pattern: string): RegExp {
  let source = "";
  for (let at = 0; at < pattern.length; at++) {
    const char = pattern[at] ?? "";
    if (char === "*") source += "[^/]*";
    else if (char === "?") source += "[^/]";
    else if (char === "[") {
      const end = endOfClass(pattern, at);
      source += classSource(pattern.slice(at + 1, end));
      at = end;
    } else if (char === "\\") source += quote(pattern[++at] ?? bad(pattern));
    else source += quote(char);
  }
  return new RegExp(`^${source}$`, "su");
}

export function matchesGlob(pattern: string, text: string): boolean {
  return compileGlob(pattern).test(text);
}

function endOfClass(pattern: string, start: number): number {
  let at = start + 1;
  if (pattern[at] === "^") at++;
  if (pattern[at] === "]") bad(pattern); // Go, other than the shell, takes no "]" for a member
  while (pattern[at] !== "]") {
    if (pattern[at] === "\\") at++;
    if (at++ >= pattern.length) return bad(pattern);
  }
  return at;
}

function classSource(body: string): string {
  const negated = body.startsWith("^");
  const inside = (negated ? body.slice(1) : body).replaceAll(
    /\\(.)|([\][^&~|])/gsu,
    (_, quoted?: string, special?: string) => `\\${quoted ?? special}`.replace(/^\\([\w\s])$/, "$1"),
  );
  return `(?!/)[${negated ? "^" : ""}${inside}]`;
}

function quote(char: string): string {
  return char.replace(/[\\^$.*+?()[\]{}|/]/, String.raw`\$&`);
}

function bad(pattern: string): never {
  throw new BerthError("invalid", `syntax error in pattern "${pattern}"`);
}
