/** `berth version`: ours, and the engine's. */
import { BerthError } from "../lib/error.ts";
import type { SystemVersion } from "../wire/schema.ts";
import { API_VERSION } from "../wire/versions.ts";
import { type Call, type Command, NONE } from "./command.ts";
import { print, printError } from "./output.ts";
import { compileFormat, ONE_FORMAT_HELP } from "./value-format.ts";
import pack from "../../package.json" with { type: "json" };

const BUILD = process.env.BERTH_BUILD ?? "source";

export const version: Command = {
  usage: "[OPTIONS]",
  args: NONE,
  flags: [{ name: "format", short: "f", value: "string", help: ONE_FORMAT_HELP }],
  async run(call: Call): Promise<number> {
    const format = call.flags.text("format");
    const template = format === "" ? undefined : compileFormat(format);
    const { server, error } = await askServer(call);
    if (template === undefined)
      print([clientText(), ...(server === undefined ? [] : [serverText(server)])].join("\n\n"));
    else
      print(
        template.execute({
          Client: goNames(clientVersion()),
          Server: server === undefined ? null : goNames(server),
        }),
      );
    if (error === undefined) return 0;
    printError(error.message);
    return 1;
  },
};

/** `berth --version`. */
export function printShortVersion(): number {
  print(`berth version ${pack.version}, build ${BUILD}`);
  return 0;
}

async function askServer(call: Call): Promise<{ server?: SystemVersion; error?: BerthError }> {
  try {
    return { server: await (await call.client()).version() };
  } catch (error) {
    if (error instanceof BerthError) return { error };
    throw error;
  }
}

export function clientVersion(): Record<string, string> {
  return {
    Version: pack.version,
    ApiVersion: API_VERSION,
    DefaultAPIVersion: API_VERSION,
    GitCommit: BUILD,
    GoVersion: `bun${Bun.version}`,
    Os: "linux",
    Arch: process.arch === "x64" ? "amd64" : process.arch,
    BuildTime: "",
    Context: "default",
  };
}

/** Templates know fields by Go's names, JSON by those of the wire. */
function goNames<T extends object>(value: T): T {
  const named = value as { ApiVersion?: unknown; MinAPIVersion?: unknown };
  return Object.defineProperty({ ...value }, "APIVersion", { value: named.ApiVersion, enumerable: false });
}

function clientText(): string {
  const client = clientVersion();
  return block("Client: berth", " ", [
    ["Version:", client["Version"]],
    ["API version:", client["ApiVersion"]],
    ["Bun version:", Bun.version],
    ["Build:", client["GitCommit"]],
    ["OS/Arch:", `${client["Os"]}/${client["Arch"]}`],
  ]);
}

/** As docker does, one block for each component. */
function serverText(server: SystemVersion): string {
  const blocks = (server.Components ?? []).map(({ Name: name, Version: text, Details: details }) => {
    const facts = Object.fromEntries(
      Object.entries(details ?? {}).map(([key, value]) => [key, String(value)]),
    );
    const rows = name === "Engine" ? engineRows(facts) : Object.entries(facts).map(titled);
    return block(` ${name}:`, "  ", [["Version:", text], ...rows]);
  });
  return [`Server: ${server.Platform?.Name ?? ""}`.trimEnd(), ...blocks].join("\n");
}

type Row = readonly [string, string | undefined];

function engineRows(facts: Readonly<Record<string, string>>): Row[] {
  return [
    ["API version:", `${facts["ApiVersion"]} (minimum version ${facts["MinAPIVersion"]})`],
    ["Go version:", facts["GoVersion"]],
    ["Git commit:", facts["GitCommit"]],
    ["Built:", readableTime(facts["BuildTime"] ?? "")],
    ["OS/Arch:", `${facts["Os"]}/${facts["Arch"]}`],
    ["Experimental:", facts["Experimental"]],
  ];
}

function titled([name, value]: readonly [string, string]): Row {
  return [`${name}:`, value];
}

/** `Fri May 30 12:07:14 2025`, where it is a time. */
function readableTime(text: string): string {
  const time = Date.parse(text);
  if (Number.isNaN(time)) return text;
  const [weekday, day = "", month, year, clock] = new Date(time).toUTCString().replace(",", "").split(" ");
  return `${weekday} ${month} ${String(Number(day)).padStart(2)} ${clock} ${year}`;
}

function block(title: string, indent: string, rows: readonly Row[]): string {
  const width = 19 - indent.length;
  return [title, ...rows.map(([name, value]) => `${indent}${name.padEnd(width)} ${value ?? ""}`)].join("\n");
}
