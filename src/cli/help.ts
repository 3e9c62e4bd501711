/** Help and complaints about words, in docker's layout, made from the tables of commands and flags. */
import type { Command } from "./command.ts";
import { COMMANDS, commandsOf, type Entry, GROUPS } from "./commands.ts";
import type { Failure } from "./failure.ts";
import { type Flag, isHidden } from "./flags.ts";
import { closest } from "./meant.ts";

const PROGRAM = "berth";
const HELP_FLAG: Flag = { name: "help", help: "Print usage" };
/** Docker wraps at 80 columns when it knows no better. */
const COLUMNS = 79;

export function commandHelp(entry: Entry, command: Command, name: string): string {
  const aliases =
    entry.names.length < 2
      ? []
      : ["Aliases:", `  ${entry.names.map((n) => `${PROGRAM} ${n}`).join(", ")}`, ""];
  return [
    ...usageLines(command, name),
    "",
    ...(command.description ?? entry.summary).split("\n"),
    "",
    ...aliases,
    ...optionLines(command.flags),
  ]
    .join("\n")
    .trimEnd();
}

/** `""` is the program itself. */
export function groupHelp(group: string, globals: readonly Flag[]): string {
  if (group === "") return programHelp(globals);
  return [
    `Usage:  ${PROGRAM} ${group} COMMAND`,
    "",
    GROUPS[group] ?? "",
    "",
    "Commands:",
    ...commandLines(
      commandsOf(group)
        .map(({ word, entry }): [string, string] => [word, entry.summary])
        .concat(subgroups(group)),
    ),
    "",
    `Run '${PROGRAM} ${group} COMMAND --help' for more information on a command.`,
  ].join("\n");
}

/** What was wrong with a flag, the usage, and where to read on. */
export function flagTrouble(failure: Failure, name: string, command?: Command): string {
  const usage =
    command === undefined
      ? `Usage:  ${PROGRAM} [OPTIONS] COMMAND [ARG...]`
      : usageLines(command, name).join("\n");
  const { meant } = failure;
  const words =
    meant === undefined ? [] : closest(meant.word, meant.among).map((word) => meant.prefix + word);
  return [failure.message, "", ...didYouMean(words), usage, "", more(name)].join("\n");
}

/** Docker's words for too few or too many arguments (cli/required.go). */
export function argumentTrouble(command: Command, name: string): string {
  const { least, most } = command.args;
  const count = (n: number): string => `${n} argument${n === 1 ? "" : "s"}`;
  const wants =
    most === 0
      ? "accepts no arguments"
      : most === undefined
        ? `requires at least ${count(least)}`
        : most === least
          ? `requires ${count(least)}`
          : `requires at most ${count(most)}`;
  const see = most === undefined ? "See" : "Run";
  return [
    `${PROGRAM}: '${PROGRAM} ${name}' ${wants}`,
    "",
    ...usageLines(command, name),
    "",
    `${see} '${PROGRAM} ${name} --help' for more information`,
  ].join("\n");
}

/** Docker's words for a command that is not there, and what may have been meant. */
export function unknownTrouble(group: string, word: string): string {
  const name = group === "" ? word : `${group} ${word}`;
  const known = [...commandsOf(group), ...subgroups(group).map(([sub]) => ({ word: sub }))].map(
    (c) => c.word,
  );
  const words = closest(word, known).map((one) => `${PROGRAM} ${group === "" ? "" : `${group} `}${one}`);
  return [
    `${PROGRAM}: unknown command: ${PROGRAM} ${name}`,
    "",
    ...didYouMean(words),
    ...(group === "" ? [] : [`Usage:  ${PROGRAM} ${group}`, ""]),
    more(group),
  ].join("\n");
}

function didYouMean(words: readonly string[]): string[] {
  return words.length === 0 ? [] : ["Did you mean this?", ...words.map((word) => `  ${word}`), ""];
}

function more(name: string): string {
  return `Run '${PROGRAM}${name === "" ? "" : ` ${name}`} --help' for more information`;
}

function usageLines(command: Command, name: string): string[] {
  const first = `Usage:  ${PROGRAM} ${name} ${command.usage}`.trimEnd();
  return [first, ...(command.otherUsage ?? []).map((line) => `\t${PROGRAM} ${line}`)];
}

function programHelp(globals: readonly Flag[]): string {
  const top = commandsOf("");
  const section = (wanted: Entry["section"]): [string, string][] =>
    top.filter(({ entry }) => entry.section === wanted).map(({ word, entry }) => [word, entry.summary]);
  return [
    `Usage:  ${PROGRAM} [OPTIONS] COMMAND`,
    "",
    "Containers, started about as fast as a process",
    "",
    "Common Commands:",
    ...commandLines(commonOrder(section("common"))),
    "",
    "Management Commands:",
    ...commandLines([...subgroups(""), ...section("berth")]),
    "",
    "Commands:",
    ...commandLines(section(undefined)),
    "",
    "Global Options:",
    ...flagUsages(globals),
    "",
    more("COMMAND").replace("information", "information on a command."),
    "",
    "The first container: berth run hello-world",
  ].join("\n");
}

/** As they stand in the table of commands: the ones that people want first come first. */
function commonOrder(lines: [string, string][]): [string, string][] {
  const place = (word: string): number => COMMANDS.findIndex((entry) => entry.names.includes(word));
  return lines.toSorted((a, b) => place(a[0]) - place(b[0]));
}

function subgroups(group: string): [string, string][] {
  const prefix = group === "" ? "" : `${group} `;
  return Object.entries(GROUPS)
    .filter(([name]) => name.startsWith(prefix) && !name.slice(prefix.length).includes(" "))
    .map(([name, summary]): [string, string] => [name.slice(prefix.length), summary]);
}

function commandLines(commands: readonly (readonly [string, string])[]): string[] {
  const widest = Math.max(11, ...commands.map(([word]) => word.length));
  return commands.map(([word, summary]) => `  ${word.padEnd(widest)} ${summary}`);
}

function optionLines(flags: readonly Flag[]): string[] {
  if (flags.every(isHidden)) return [];
  // As docker does it: `--help` is listed only where its shorthand is taken.
  const all = flags.some((flag) => flag.short === "h") ? [...flags, HELP_FLAG] : flags;
  return ["Options:", ...flagUsages(all)];
}

/** pflag's FlagUsagesWrapped: names, what the value is called, help wrapped beside it. */
export function flagUsages(flags: readonly Flag[], columns = COLUMNS): string[] {
  const shown = flags.filter((flag) => !isHidden(flag)).toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const heads = shown.map(flagHead);
  const widest = Math.max(0, ...heads.map((head) => head.length));
  return shown.map((flag, at) => {
    const head = (heads[at] ?? "").padEnd(widest);
    return `${head}   ${wrap(widest + 3, columns, flag.help + initialNote(flag))}`;
  });
}

function flagHead(flag: Flag): string {
  const names = flag.short === undefined ? `      --${flag.name}` : `  -${flag.short}, --${flag.name}`;
  const value = flag.value === undefined ? "" : ` ${flag.value}`;
  return names + value + (flag.bare === undefined ? "" : `[="${flag.bare}"]`);
}

function initialNote({ initial, value }: Flag): string {
  if (initial === undefined || initial === "" || initial === "false") return "";
  return ` (default ${value === "string" ? JSON.stringify(initial) : initial})`;
}

/** pflag's wrap(): leaves five columns free unless they save a short last line. */
function wrap(indent: number, columns: number, text: string): string {
  const width = columns - indent;
  if (width < 24) return text;
  const lines: string[] = [];
  for (let rest: string | undefined = text; rest !== undefined;) {
    const [line, left] = wrapOnce(width - 5, 5, rest);
    lines.push(...line.split("\n"));
    rest = left;
  }
  return lines.join(`\n${" ".repeat(indent)}`);
}

function wrapOnce(width: number, slop: number, text: string): [string, string | undefined] {
  if (width + slop > text.length) return [text, undefined];
  const head = text.slice(0, width);
  const newline = head.lastIndexOf("\n");
  const blank = Math.max(head.lastIndexOf(" "), head.lastIndexOf("\t"), newline);
  if (blank <= 0) return [text, undefined];
  const end = newline > 0 && newline < blank ? newline : blank;
  return [text.slice(0, end), text.slice(end + 1)];
}
