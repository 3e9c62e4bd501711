/** `berth completion bash`: a script made from the tables of commands and flags. Names it asks the engine for. */
import { type Command, type Completion, NONE } from "./command.ts";
import { COMMANDS, commandsOf, type Entry, GROUPS } from "./commands.ts";
import { type Flag, isHidden } from "./flags.ts";
import { print } from "./output.ts";

export const completionBash: Command = {
  usage: "",
  args: NONE,
  description:
    "Generate the autocompletion script for bash\n\nTo have it in every session: berth completion bash > /etc/bash_completion.d/berth",
  flags: [],
  async run() {
    print(await bashScript());
  },
};

/** How the shell finds the names of each kind. */
const ASK: Readonly<Record<string, string>> = {
  containers: "$(__berth_ask ps --all --format '{{.Names}}')",
  running: "$(__berth_ask ps --format '{{.Names}}')",
  stopped: "$(__berth_ask ps --all --filter status=created --filter status=exited --format '{{.Names}}')",
  images: "$(__berth_ask images --format '{{.Repository}}:{{.Tag}}')",
};

export async function bashScript(): Promise<string> {
  const cases = await Promise.all(COMMANDS.map(async (entry) => commandCase(entry, await entry.load())));
  const groups = ["", ...Object.keys(GROUPS)].map(groupCase);
  return `# bash completion for berth
__berth_ask() { command berth "\${__berth_global[@]}" "$@" 2>/dev/null; }
__berth_words() { mapfile -t COMPREPLY < <(compgen -W "$1" -- "$cur"); }
_berth() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]} path= i word
  local -a __berth_global=()
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    case $word in
      -H|--host|--root|--run) [ -n "$path" ] || { __berth_global+=("$word" "\${COMP_WORDS[i+1]}"); ((i++)); continue; } ;;
      -*) continue ;;
    esac
    case "$path\${path:+ }$word" in
      ${[...COMMANDS.flatMap(({ names }) => names), ...Object.keys(GROUPS)].map((name) => JSON.stringify(name)).join("|")}) path="$path\${path:+ }$word" ;;
      *) break ;;
    esac
  done
  case "$path" in
${[...groups, ...cases].join("\n")}
  esac
}
complete -o default -F _berth berth`;
}

function groupCase(group: string): string {
  const words = [...commandsOf(group).map(({ word }) => word), ...subgroups(group)];
  return `    ${JSON.stringify(group)}) __berth_words "${words.join(" ")}" ;;`;
}

function subgroups(group: string): string[] {
  const prefix = group === "" ? "" : `${group} `;
  return Object.keys(GROUPS)
    .filter((name) => name.startsWith(prefix) && !name.slice(prefix.length).includes(" "))
    .map((name) => name.slice(prefix.length));
}

function commandCase(entry: Entry, command: Command): string {
  const flags = command.flags.filter((flag) => !isHidden(flag));
  const values = flags.filter((flag) => flag.value !== undefined && flag.bare === undefined).map(valueCase);
  const words = [...flags.map((flag) => `--${flag.name}`), "--help"].join(" ");
  return [
    `    ${entry.names.map((name) => JSON.stringify(name)).join("|")})`,
    ...(values.length === 0 ? [] : ["      case $prev in", ...values, "      esac"]),
    `      case $cur in -*) __berth_words "${words}" ;; *) ${argumentAction(command.completes)} ;; esac ;;`,
  ].join("\n");
}

function valueCase(flag: Flag): string {
  const names = flag.short === undefined ? `--${flag.name}` : `-${flag.short}|--${flag.name}`;
  return `        ${names}) ${valueAction(flag.completes)}; return ;;`;
}

function valueAction(completes: Flag["completes"]): string {
  if (completes === undefined) return ":";
  return completes === "file" ? 'mapfile -t COMPREPLY < <(compgen -f -- "$cur")' : argumentAction(completes);
}

function argumentAction(completes: Completion | undefined): string {
  if (completes === undefined || completes === "files") return ":";
  if (typeof completes !== "string") return `__berth_words "${completes.join(" ")}"`;
  return `__berth_words "${ASK[completes] ?? ""}"`;
}
