/** One line of comma-separated values with Go's quoting: `a,"b,c",d`. */
import { BerthError } from "../lib/error.ts";

export function parseCsvLine(text: string): string[] {
  const fields: string[] = [];
  let rest = `${text},`;
  while (rest !== "") {
    const [whole = "", quoted, plain = ""] = /^(?:"((?:[^"]|"")*)"|([^",]*)),/.exec(rest) ?? [];
    if (whole === "") throw new BerthError("invalid", `parse error on line 1: bare " in non-quoted field`);
    fields.push(quoted === undefined ? plain : quoted.replaceAll('""', '"'));
    rest = rest.slice(whole.length);
  }
  return fields;
}
