/** `tools/bun tools/config-table.ts` writes the table "Fields of config.json" into docs/runtime.md; a test says when that is due. */
import { readFileSync, writeFileSync } from "node:fs";
import { CONFIG_FIELDS } from "../src/runtime/config-facts.ts";
import { ROWS, type Verdict } from "./config-rows.ts";

export const PAGE = "docs/runtime.md";
const START = "<!-- tools/config-table.ts writes what follows -->";
const END = "<!-- up to here -->";

export interface Field {
  readonly path: string;
  readonly type: string;
}

/** In the order of the schemas. */
export function configFields(): Field[] {
  return CONFIG_FIELDS.trim()
    .split("\n")
    .map((line) => {
      const [path = "", type = ""] = line.split(" ");
      return { path: path.replace("!", ""), type };
    });
}

export function verdictsByField(): Map<string, Verdict> {
  return new Map(ROWS.flatMap(({ fields, verdict }) => fields.map((field) => [field, verdict] as const)));
}

export function table(): string {
  const verdicts = verdictsByField();
  const rows = configFields().map(
    ({ path, type }) => `| \`${path}\` | ${type} | ${text(verdicts.get(path))} |`,
  );
  return ["| field | type | |", "|---|---|---|", ...rows].join("\n");
}

function text(verdict: Verdict | undefined): string {
  switch (verdict?.kind) {
    case "works": {
      const name = verdict.file.slice(verdict.file.lastIndexOf("/") + 1).replace(/\.test\.ts$/, "");
      return `works${verdict.note === undefined ? "" : `, ${verdict.note}`}: ${name}, “${verdict.test}”`;
    }
    case "refused":
      return `refused: ${verdict.reason}`;
    default:
      return "not decided";
  }
}

/** The page with its table made anew. */
export function withTable(page: string): string {
  const [start, end] = [page.indexOf(START), page.indexOf(END)];
  if (start < 0 || end < start) throw new Error(`${PAGE} has no place for the table: ${START} … ${END}`);
  return `${page.slice(0, start)}${START}\n\n${table()}\n\n${page.slice(end)}`;
}

if (import.meta.main) writeFileSync(PAGE, withTable(readFileSync(PAGE, "utf8")));
