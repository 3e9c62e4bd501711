/** `--format` of lists: docker's table, a table of one's own, JSON, or a template, one line for each item. */
import { BerthError } from "../lib/error.ts";
import { alignColumns } from "../lib/table.ts";
import { compileTemplate, type Template, type TemplateOptions } from "../lib/template.ts";
import type { TemplateFunction } from "../lib/template-functions.ts";
import { toJson, type Value } from "../lib/template-values.ts";
import type { Flags } from "./flags.ts";
import { printError, writeQuickly } from "./output.ts";

/** What can be asked of one item: texts by name, and functions for what needs an argument. */
export type Row = Readonly<Record<string, Value>>;

export interface ListFormat {
  /** The column titles by field. */
  readonly headers: Readonly<Record<string, string>>;
  /** A template for the table that is shown when nothing else is asked for. */
  readonly table: string;
  /** What `raw` stands for. */
  readonly raw?: string;
  /** What docker's Go type is called in messages. */
  readonly typeName: string;
}

export const FORMAT_HELP =
  "Format output using a custom template:\n'table':            Print output in table format with column headers (default)\n'table TEMPLATE':   Print output in table format using the given Go template\n'json':             Print in JSON format\n'TEMPLATE':         Print output using the given Go template.\nRefer to https://docs.docker.com/go/formatting/ for more information about formatting output with templates";

/** What was typed behind `--format`; `--quiet` outranks it, and says so. */
export function listedAs(flags: Flags): string {
  const format = flags.text("format");
  if (!flags.on("quiet")) return format;
  if (format !== "" && format !== "table") {
    printError("WARNING: Ignoring custom format, because both --format and --quiet are set.");
  }
  return "{{.ID}}";
}

/** `format` as typed; empty is the table. */
export async function printList(rows: readonly Row[], format: string, list: ListFormat): Promise<void> {
  const { source, isTable } = readFormat(format, list);
  const template = compile(source);
  const pieces = plainPieces(source);
  const body = rows
    .map((row) => `${renderPlain(pieces, row) ?? execute(template, row, rowOptions(list))}\n`)
    .join("");
  if (!isTable) return await writeQuickly(1, body);
  const header = execute(template, list.headers, {
    functions: HEADER_FUNCTIONS,
    missing: () => ({ value: undefined }),
  });
  await writeQuickly(1, alignColumns(`${header}\n${body}`));
}

/** Text and names of fields in turn, when there is nothing else in the template: so are docker's own tables. */
function plainPieces(source: string): readonly string[] {
  const pieces = source.split(/\{\{\.(\w+)\}\}/);
  return pieces.some((piece) => piece.includes("{{")) ? [] : pieces;
}

/** What the template would give, without asking it: a list may have thousands of lines. Undefined when only it can tell. */
function renderPlain(pieces: readonly string[], row: Row): string | undefined {
  if (pieces.length === 0) return undefined;
  let line = "";
  for (const [at, piece] of pieces.entries()) {
    const text = at % 2 === 0 ? piece : row[piece];
    if (typeof text !== "string") return undefined;
    line += text;
  }
  return line;
}

interface Read {
  readonly source: string;
  readonly isTable: boolean;
}

function readFormat(format: string, list: ListFormat): Read {
  const isTable = format === "" || format.startsWith("table");
  if (format === "" || format === "table") return { source: list.table, isTable };
  if (format === "raw" && list.raw !== undefined) return { source: list.raw, isTable };
  if (format === "json") return { source: "{{json .}}", isTable };
  const own = isTable ? format.slice("table".length).trim() : format;
  return { source: own.replaceAll("\\t", "\t").replaceAll("\\n", "\n"), isTable };
}

function compile(source: string): Template {
  try {
    return compileTemplate(source);
  } catch (error) {
    throw formatError("failed to parse template", error);
  }
}

function execute(template: Template, row: Row, options: TemplateOptions): string {
  try {
    return template.execute(row, options);
  } catch (error) {
    throw formatError("failed to execute template", error);
  }
}

function formatError(what: string, error: unknown): unknown {
  return error instanceof BerthError ? new BerthError("invalid", `${what}: ${error.message}`) : error;
}

function rowOptions({ typeName }: ListFormat): TemplateOptions {
  return { typeName, functions: { json: rowJson } };
}

/** Go marshals such a row as a map: keys in order, and signs of HTML escaped. */
function rowJson(value: Value): Value {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return toJson(value);
  const sorted = Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)));
  return toJson(sorted).replaceAll(/[<>&]/g, (sign) => `\\u00${sign.charCodeAt(0).toString(16)}`);
}

/** In the line of titles, functions leave the title as it is. */
const HEADER_FUNCTIONS: Readonly<Record<string, TemplateFunction>> = Object.fromEntries(
  ["json", "split", "join", "title", "lower", "upper", "pad", "truncate"].map((name) => [
    name,
    (value: Value) => value,
  ]),
);
