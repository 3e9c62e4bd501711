/** A minimal Debian, made by mmdebstrap out of the packages of the configured mirrors. */
import { readFileSync } from "node:fs";
import { BerthError } from "../lib/error.ts";
import { type Child, findTool, spawn, TOOL_PATH } from "../kernel/spawn.ts";
import { type Base, type BootstrapOptions, PATH_CHANGE } from "./base.ts";
import type { Places } from "./places.ts";

const TOOL = "mmdebstrap";
/** What apt honours to reach a mirror; nothing else of the engine's environment is passed on. */
const PROXY_VARIABLES = ["http_proxy", "https_proxy", "no_proxy"];

export async function debianArchive(places: Places, options: BootstrapOptions): Promise<Base> {
  const suite = checked(options.suite ?? hostSuite(), /^[a-z][a-z0-9.-]*$/, "suite");
  const packages = options.include ? checked(options.include, /^[a-z0-9][a-z0-9+.:,-]*$/, "include") : "";
  const args = [
    "--variant=minbase",
    "--mode=root",
    "--format=tar",
    ...(packages === "" ? [] : [`--include=${packages}`]),
    suite,
    "-",
  ];
  const child = spawn([findTool(TOOL, TOOL), ...args], {
    stdio: ["ignore", "pipe", "pipe"],
    env: environment(places),
    cwd: "/",
  });
  const said: string[] = [];
  return {
    name: `debian:${suite}`,
    message: `Made by ${TOOL} ${args.join(" ")}`,
    changes: [PATH_CHANGE, 'CMD ["bash"]'],
    progress: progressOf(child, said),
    archive: archiveOf(child, said),
  };
}

/** The host's own release if it is a Debian. */
function hostSuite(): string {
  const release = new Map(
    readFileSync("/etc/os-release", "utf8")
      .split("\n")
      .map((line) => [line.split("=", 1)[0] ?? "", line.slice(line.indexOf("=") + 1)]),
  );
  return release.get("ID") === "debian" ? (release.get("VERSION_CODENAME") ?? "stable") : "stable";
}

/** Both become arguments of a program that runs as root. */
function checked(text: string, pattern: RegExp, what: string): string {
  if (!pattern.test(text)) throw new BerthError("invalid", `invalid ${what} "${text}"`);
  return text;
}

function environment(places: Places): Record<string, string> {
  const proxies = PROXY_VARIABLES.flatMap((name) =>
    process.env[name] === undefined ? [] : [[name, process.env[name] ?? ""]],
  );
  return {
    PATH: TOOL_PATH,
    LC_ALL: "C.UTF-8",
    HOME: "/root",
    TMPDIR: places.temporary,
    ...Object.fromEntries(proxies),
  };
}

/** mmdebstrap's `I: …` lines without their mark; the last lines are kept for the error. */
async function* progressOf(child: Child, said: string[]): AsyncGenerator<string> {
  let rest = "";
  for await (const text of child.stderr.pipeThrough(
    new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>,
  )) {
    const lines = (rest + text).split(/[\r\n]+/);
    rest = lines.pop() ?? "";
    for (const line of lines.filter(Boolean)) {
      said.push(line);
      if (said.length > 20) said.shift();
      if (line.startsWith("I: ")) yield line.slice(3);
    }
  }
}

/** What it writes, if it ends well. Killed when nobody reads on. */
async function* archiveOf(child: Child, said: readonly string[]): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of child.stdout) yield chunk;
    const exitCode = await child.exited;
    if (exitCode !== 0)
      throw new BerthError(
        "unavailable",
        `${TOOL} failed (exit code ${exitCode}): ${said.slice(-5).join("; ")}`,
      );
  } finally {
    child.kill();
  }
}
