/** `--explain`: what the kernel would be asked, instead of asking it. */
import { BerthError } from "../lib/error.ts";
import type { Flag, Flags } from "./flags.ts";

const FORMATS = ["table", "json", "sh"];

export const EXPLAIN_FLAG: Flag = {
  name: "explain",
  value: "string",
  bare: "table",
  help: "Print what the kernel would be asked, and run nothing (table|json|sh)",
  completes: FORMATS,
  check: (text) => {
    if (!FORMATS.includes(text)) throw new BerthError("invalid", `must be one of table, json, sh`);
  },
};

export function explainFormat(flags: Flags): string {
  return flags.text("explain") || "table";
}
