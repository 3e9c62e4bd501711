/** The engine's configuration: a JSON file with docker's names for what berth has, and what the daemon's flags say. */
import { readFileSync } from "node:fs";
import type { RuntimePlace } from "../containers/runtimes.ts";
import { OWN_RUNTIME } from "../containers/runtimes.ts";
import { errnoText } from "../kernel/errno.ts";
import { hasErrno } from "../kernel/error.ts";
import { BerthError } from "../lib/error.ts";

export interface Config {
  readonly runtimes: Readonly<Record<string, RuntimePlace>>;
  readonly defaultRuntime?: string | undefined;
}

export interface ConfigOptions {
  /** Absent: the default file, which need not be there. */
  readonly file?: string | undefined;
  /** Of `--add-runtime NAME=PATH`. */
  readonly runtimes?: Readonly<Record<string, RuntimePlace>> | undefined;
  readonly defaultRuntime?: string | undefined;
}

export const CONFIG_FILE = "/etc/berth/daemon.json";
const ENOENT = 2;

/** Throws `invalid` for what no engine could mean; nothing in the file is ignored. */
export function readConfig({ file, runtimes = {}, defaultRuntime }: ConfigOptions): Config {
  const written = readFile(file);
  const both = Object.keys(runtimes).find((name) => Object.hasOwn(written.runtimes, name));
  if (both !== undefined) throw twice("runtimes", both);
  if (defaultRuntime !== undefined && written.defaultRuntime !== undefined)
    throw twice("default-runtime", defaultRuntime);
  const all = { ...written.runtimes, ...runtimes };
  for (const [name, place] of Object.entries(all)) checkRuntime(name, place);
  return { runtimes: all, defaultRuntime: defaultRuntime ?? written.defaultRuntime };
}

function twice(directive: string, value: string): BerthError {
  return new BerthError(
    "invalid",
    `the following directives are specified both as a flag and in the configuration file: ${directive}: ${value}`,
  );
}

function readFile(file: string | undefined): Config {
  const path = file ?? CONFIG_FILE;
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    if (file === undefined && hasErrno(error, ENOENT)) return { runtimes: {} };
    const { errno = 0 } = error as NodeJS.ErrnoException;
    throw new BerthError("invalid", `read the configuration ${path}: ${errnoText(Math.abs(errno))}`, {
      cause: error,
    });
  }
  return parseConfig(text, path);
}

/** Of the text of a file that is called `path`. */
export function parseConfig(text: string, path: string): Config {
  const wrong = (why: string) => new BerthError("invalid", `the configuration ${path}: ${why}`);
  const fields = parseObject(text, wrong);
  const unknown = Object.keys(fields).filter((name) => name !== "runtimes" && name !== "default-runtime");
  if (unknown.length > 0)
    throw wrong(`the following directives don't match any configuration option: ${unknown.join(", ")}`);
  const { runtimes = {}, "default-runtime": defaultRuntime } = fields;
  if (!isObject(runtimes)) throw wrong('"runtimes" is no object');
  if (defaultRuntime !== undefined && typeof defaultRuntime !== "string")
    throw wrong('"default-runtime" is no text');
  return {
    runtimes: Object.fromEntries(
      Object.entries(runtimes).map(([name, value]) => [name, parseRuntime(name, value, wrong)]),
    ),
    ...(defaultRuntime === undefined ? {} : { defaultRuntime }),
  };
}

type Wrong = (why: string) => BerthError;

function parseObject(text: string, wrong: Wrong): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    if (isObject(value)) return value;
  } catch (error) {
    throw wrong(error instanceof Error ? error.message : String(error));
  }
  throw wrong("it is no JSON object");
}

function parseRuntime(name: string, value: unknown, wrong: Wrong): RuntimePlace {
  const { path, runtimeArgs: args = [], ...others } = isObject(value) ? value : {};
  const [other] = Object.keys(others);
  if (other !== undefined) throw wrong(`runtime "${name}": berth does not support "${other}"`);
  if (typeof path !== "string" || path === "") throw wrong(`runtime "${name}" has no path`);
  if (!Array.isArray(args) || args.some((arg) => typeof arg !== "string"))
    throw wrong(`runtime "${name}": "runtimeArgs" is no list of texts`);
  return { path, args: args as string[] }; // the line above looked at each
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The name becomes that of a directory. */
function checkRuntime(name: string, { path }: RuntimePlace): void {
  if (name === OWN_RUNTIME)
    throw new BerthError("invalid", `runtime name '${name}' is reserved: it is berth's own`);
  if (!/^[A-Za-z0-9][\w.-]*$/.test(name)) throw new BerthError("invalid", `invalid runtime name "${name}"`);
  if (path.includes("/") && !path.startsWith("/"))
    throw new BerthError("invalid", `runtime "${name}": the path "${path}" is not absolute`);
}
