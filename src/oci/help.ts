/** What `--help` and `--version` print. */
import { writeSync } from "node:fs";
import { VERSION } from "../lib/version.ts";
import type { Command } from "./command.ts";
import { COMMANDS } from "./commands.ts";
import type { Flag } from "./flags.ts";
import { GLOBAL_FLAGS } from "./global-flags.ts";
import { SPEC_VERSION } from "./version.ts";

export function printVersion(name: string): number {
  writeSync(1, `${name} version ${VERSION}\nspec: ${SPEC_VERSION}\n`);
  return 0;
}

/** Of a command that is named, or of all. */
export async function printHelp(name: string, words: readonly string[]): Promise<number> {
  const [typed = ""] = words;
  const entry = Object.hasOwn(COMMANDS, typed) ? COMMANDS[typed] : undefined;
  if (entry !== undefined) return printCommand(name, typed, await entry.load());
  const rows = Object.entries(COMMANDS).map(([command, { summary }]) => [command, summary] as const);
  const lines = [
    "NAME:",
    `   ${name} - berth as an OCI runtime: the command line of runc`,
    "",
    "USAGE:",
    `   ${name} [global options] command [command options] [arguments...]`,
    "",
    "COMMANDS:",
    ...aligned(rows),
    "",
    "GLOBAL OPTIONS:",
    ...aligned(GLOBAL_FLAGS.map(flagRow)),
    "",
  ];
  writeSync(1, lines.join("\n"));
  return 0;
}

export function printCommand(name: string, typed: string, { usage, help, flags }: Command): number {
  const lines = [
    "NAME:",
    `   ${name} ${typed} - ${COMMANDS[typed]?.summary ?? ""}`,
    "",
    "USAGE:",
    `   ${name} ${typed} ${flags.length > 0 ? "[command options] " : ""}${usage}`,
    "",
    "DESCRIPTION:",
    `   ${help}`,
    "",
    ...(flags.length > 0 ? ["OPTIONS:", ...aligned(flags.map(flagRow)), ""] : []),
  ];
  writeSync(1, lines.join("\n"));
  return 0;
}

function flagRow({ names, value, help }: Flag): readonly [string, string] {
  const spelled = names.map((name) => `${name.length > 1 ? "--" : "-"}${name}${value ? " value" : ""}`);
  return [spelled.join(", "), help];
}

function aligned(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `   ${left.padEnd(width)}  ${right}`);
}
