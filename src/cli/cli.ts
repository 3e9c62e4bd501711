/** The command line: words in, exit code out. Finds the command, reads its flags, runs it, and words its failure. */
import { BerthError } from "../lib/error.ts";
import type { Client } from "../client/client.ts";
import type { Call, Command, Faces } from "./command.ts";
import { demandOurs, desk, OutputClosed } from "./desk.ts";
import { type Entry, findCommand, GROUPS, MISSING } from "./commands.ts";
import { Failure, failed } from "./failure.ts";
import { type Flag, type Flags, parseFlags } from "./flags.ts";
import { print, printError } from "./output.ts";
import { type Environment, type PlaceFlags, resolvePlaces } from "./places.ts";

/** What may stand before the command. */
export const GLOBAL_FLAGS: readonly Flag[] = [
  {
    name: "config",
    value: "string",
    help: "Location of client config files",
    unsupported: "berth's command line has no configuration files",
  },
  {
    name: "context",
    short: "c",
    value: "string",
    help: "Name of the context",
    unsupported: "docker's contexts are not read: use --host",
  },
  {
    name: "debug",
    short: "D",
    help: "Enable debug mode",
    unsupported: "'--explain' shows what a command asks of the kernel",
  },
  { name: "host", short: "H", value: "string", help: "Socket of the engine to connect to (unix:///path)" },
  {
    name: "log-level",
    short: "l",
    value: "string",
    help: "Set the logging level",
    unsupported: "berth's command line writes no log",
  },
  { name: "root", value: "string", help: "Where the engine keeps images and containers", completes: "file" },
  {
    name: "run",
    value: "string",
    help: "Where the engine keeps what is true until the reboot",
    completes: "file",
  },
  { name: "tls", help: "Use TLS", unsupported: "only unix sockets are" },
  { name: "tlscacert", value: "string", help: "Trust this CA", unsupported: "only unix sockets are" },
  { name: "tlscert", value: "string", help: "TLS certificate", unsupported: "only unix sockets are" },
  { name: "tlskey", value: "string", help: "TLS key", unsupported: "only unix sockets are" },
  { name: "tlsverify", help: "Verify the remote", unsupported: "only unix sockets are" },
  { name: "version", short: "v", help: "Print version information and quit" },
];

export async function runCommandLine(
  words: readonly string[],
  environment: Environment,
  faces: Faces,
): Promise<number> {
  try {
    return await dispatch(words, environment, faces);
  } catch (error) {
    if (error instanceof OutputClosed) return 141;
    if (error instanceof Failure) return await report(error);
    if (!(error instanceof BerthError)) throw error;
    printError(error.message);
    return 1;
  }
}

async function dispatch(words: readonly string[], environment: Environment, faces: Faces): Promise<number> {
  const global = await reading("", () => parseFlags(words, GLOBAL_FLAGS, { stopAtArgument: true }));
  if (global.flags.on("version")) return await (await import("./version.ts")).printShortVersion();
  if (global.help) return await showHelp(global.args);
  if (global.args[0] === "help") return await showHelp(global.args.slice(1));
  if (global.args.length === 0) return await showGroup("", printError);
  const found = await findTyped(global.args);
  if (typeof found === "string") return await showGroup(found, found === "completion" ? print : printError);
  return await runEntry(found, { placeFlags: placeFlagsOf(global.flags), environment, faces });
}

interface Typed {
  readonly entry: Entry;
  readonly name: string;
  readonly rest: readonly string[];
}

/** The command that was typed, or the group. */
async function findTyped(words: readonly string[]): Promise<Typed | string> {
  let name = "";
  for (const [at, word] of words.entries()) {
    if (name !== "" && (word === "--help" || word === "-h")) return name;
    const longer = name === "" ? word : `${name} ${word}`;
    const entry = findCommand(longer);
    if (entry !== undefined) return { entry, name: longer, rest: words.slice(at + 1) };
    if (!Object.hasOwn(GROUPS, longer)) throw await unknownCommand(name, word);
    name = longer;
  }
  return name;
}

type Surroundings = Pick<Call, "placeFlags" | "environment" | "faces">;

async function runEntry({ entry, name, rest }: Typed, around: Surroundings): Promise<number> {
  if (entry.brief !== true) demandOurs();
  const command = await entry.load();
  const { flags, args, help } = await reading(name, () => parseFlags(rest, command.flags, command), command);
  if (help) return await showCommand(entry, command, name);
  await checkArguments(command, name, args);
  const call: Call = { ...around, flags, args, name, client: () => openClient(around) };
  return (await command.run(call)) ?? 0;
}

async function openClient({ placeFlags, environment }: Surroundings): Promise<Client> {
  const { connectEngine } = await import("./engine.ts");
  const client = await connectEngine(resolvePlaces(placeFlags, environment));
  desk().onLeave(() => client.close());
  return client;
}

function placeFlagsOf(flags: Flags): PlaceFlags {
  return { root: flags.text("root"), run: flags.text("run"), host: flags.text("host") };
}

/** Adds usage and the way to the help to what the flags say. */
async function reading<T>(name: string, read: () => T, command?: Command): Promise<T> {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    const { flagTrouble } = await import("./help.ts");
    throw failed(error.status, await flagTrouble(error, name, command));
  }
}

async function checkArguments(command: Command, name: string, args: readonly string[]): Promise<void> {
  const { least, most } = command.args;
  if (args.length >= least && (most === undefined || args.length <= most)) return;
  const { argumentTrouble } = await import("./help.ts");
  throw failed(1, argumentTrouble(command, name));
}

async function unknownCommand(group: string, word: string): Promise<Failure> {
  const { unknownTrouble } = await import("./help.ts");
  const name = group === "" ? word : `${group} ${word}`;
  const instead = MISSING[name];
  if (instead !== undefined) return failed(1, `berth: '${name}' is not supported yet: ${instead}`);
  return failed(group === "" && word.startsWith("-") ? 125 : 1, unknownTrouble(group, word));
}

async function showHelp(words: readonly string[]): Promise<number> {
  const found = words.length === 0 ? "" : await findTyped(words);
  if (typeof found === "string") return await showGroup(found, print);
  return await showCommand(found.entry, await found.entry.load(), found.name);
}

async function showGroup(group: string, out: (text: string) => void): Promise<number> {
  const { groupHelp } = await import("./help.ts");
  out(groupHelp(group, GLOBAL_FLAGS));
  return 0;
}

async function showCommand(entry: Entry, command: Command, name: string): Promise<number> {
  const { commandHelp } = await import("./help.ts");
  print(commandHelp(entry, command, name));
  return 0;
}

async function report(failure: Failure): Promise<number> {
  if (failure.message !== "") printError(failure.message);
  return failure.status;
}
