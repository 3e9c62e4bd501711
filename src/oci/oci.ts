/** The runtime's command line, as runc has it: global flags, a command, its flags. Words in, exit code out. */
import { errnoText } from "../kernel/errno.ts";
import { type Features, probeFeatures } from "../kernel/features.ts";
import { BerthError } from "../lib/error.ts";
import { type Caller, demandOurs, OURSELVES } from "./caller.ts";
import type { Call, Command, Surroundings } from "./command.ts";
import { COMMANDS, REFUSED } from "./commands.ts";
import { type Flag, type Flags, parseFlags, type Parsed } from "./flags.ts";
import { GLOBAL_FLAGS } from "./global-flags.ts";
import { type Log, openLog } from "./log.ts";
import { UsageError } from "./usage.ts";

const DEFAULT_ROOT = "/run/berth-oci";
/** What runc answers to a command that it does not know. */
const UNKNOWN_COMMAND = 3;

/** `name` is what the caller was called by. Throws Elsewhere, with nothing done, where another caller must perform it itself. */
export async function runOci(
  name: string,
  words: readonly string[],
  environment: Surroundings["environment"],
  caller: Caller = OURSELVES,
  features: Features = probeFeatures(),
): Promise<number> {
  let log = openLog(caller, { json: false, debug: false });
  try {
    const { flags, args } = parseFlags(words, GLOBAL_FLAGS, caller.directory);
    if (!isBrief(args[0])) demandOurs(caller);
    if (flags.on("version")) return await (await import("./help.ts")).printVersion(name);
    if (flags.on("help") || args.length === 0 || args[0] === "help" || args[0] === "h")
      return await (await import("./help.ts")).printHelp(name, args.slice(1));
    log = logOf(caller, flags);
    checkGlobal(flags);
    const root = flags.text("root") ?? DEFAULT_ROOT;
    return await dispatch(name, args, { root, log, environment, words, caller, features });
  } catch (error) {
    if (error instanceof UsageError) {
      demandOurs(caller);
      caller.print(1, `Incorrect Usage. ${error.message}\n\n`);
      await (await import("./help.ts")).printHelp(name, []);
    } else if (!isExpected(error)) throw error;
    log("error", wordsOf(error));
    return 1;
  }
}

function isBrief(typed = ""): boolean {
  return Object.hasOwn(COMMANDS, typed) && COMMANDS[typed]?.brief === true;
}

function logOf(caller: Caller, flags: Flags): Log {
  const format = flags.text("log-format") ?? "text";
  if (format !== "text" && format !== "json")
    throw new BerthError("invalid", `invalid log-format: ${format}`);
  const path = flags.text("log");
  try {
    return openLog(caller, { json: format === "json", debug: flags.on("debug"), ...(path ? { path } : {}) });
  } catch {
    throw new BerthError("invalid", `open ${path}: no such file or directory`);
  }
}

function checkGlobal(flags: Flags): void {
  if (flags.on("systemd-cgroup"))
    throw new BerthError(
      "unsupported",
      "--systemd-cgroup is not supported: berth makes control groups itself; use the cgroupfs driver of your engine",
    );
  const rootless = flags.text("rootless") ?? "auto";
  if (!/^(auto|true|false|0|1)$/.test(rootless))
    throw new BerthError("invalid", `strconv.ParseBool: parsing "${rootless}": invalid syntax`);
  if (rootless === "true" || rootless === "1")
    throw new BerthError("unsupported", "--rootless=true is not supported: berth runs containers as root");
}

async function dispatch(name: string, words: readonly string[], around: Surroundings): Promise<number> {
  const [typed = "", ...rest] = words;
  const refused = REFUSED[typed];
  if (refused !== undefined) throw new BerthError("unsupported", refused);
  const entry = Object.hasOwn(COMMANDS, typed) ? COMMANDS[typed] : undefined;
  if (entry === undefined) {
    around.log("error", `No help topic for '${typed}'\n`);
    return UNKNOWN_COMMAND;
  }
  const command = await entry.load();
  const parsed = await understand(name, typed, command, rest, around.caller);
  if (parsed.flags.on("help")) return await (await import("./help.ts")).printCommand(name, typed, command);
  return await perform(command, { ...around, ...parsed });
}

const HELP: Flag = { names: ["help", "h"], help: "show help" };

async function understand(
  name: string,
  typed: string,
  command: Command,
  words: readonly string[],
  caller: Caller,
): Promise<Parsed> {
  try {
    const parsed = parseFlags(words, [...command.flags, HELP], caller.directory);
    if (parsed.flags.on("help")) demandOurs(caller);
    else checkArguments(typed, command, parsed.args.length);
    return parsed;
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    demandOurs(caller);
    caller.print(1, "Incorrect Usage.\n\n");
    await (await import("./help.ts")).printCommand(name, typed, command);
    throw new BerthError("invalid", error.message, { cause: error });
  }
}

function checkArguments(typed: string, { least, most }: Command, count: number): void {
  if (least === most && count !== least)
    throw new UsageError(`runc: "${typed}" requires exactly ${least} argument(s)`);
  if (count < least) throw new UsageError(`runc: "${typed}" requires a minimum of ${least} argument(s)`);
  if (most !== undefined && count > most)
    throw new UsageError(`runc: "${typed}" requires a maximum of ${most} argument(s)`);
}

async function perform(command: Command, call: Call): Promise<number> {
  try {
    return (await command.run(call)) ?? 0;
  } catch (error) {
    if (!isExpected(error)) throw error;
    call.log("error", `${command.failure ?? ""}${wordsOf(error)}`);
    return command.failureCode ?? 1;
  }
}

/** Of ours, or of node:fs, which says system call, errno and path. */
function isExpected(error: unknown): error is Error {
  return error instanceof BerthError || error instanceof UsageError || isSystemError(error);
}

function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && "errno" in error && "syscall" in error;
}

/** A system error as Go words it: `open /x: no such file or directory`. */
function wordsOf(error: Error): string {
  if (error instanceof BerthError || !isSystemError(error)) return error.message;
  const { syscall = "", path, errno = 0 } = error;
  return `${syscall}${path === undefined ? "" : ` ${path}`}: ${errnoText(Math.abs(errno)).toLowerCase()}`;
}
