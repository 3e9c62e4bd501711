/** `top`: the host's ps, and of its lines those that are processes of the container. */
import { BerthError } from "../lib/error.ts";
import { run } from "../kernel/spawn.ts";
import type { ContainerTopResponse } from "../wire/schema.ts";
import type { Container } from "./container.ts";
import type { Parts } from "./parts.ts";
import { requireRunning } from "./stop.ts";

export async function topContainer(
  parts: Parts,
  container: Container,
  psArgs: string | undefined,
): Promise<ContainerTopResponse> {
  requireRunning(container);
  const args = (psArgs || "-ef").split(/\s+/).filter(Boolean);
  requirePlain(args);
  const [output, pids] = await Promise.all([
    run("ps", args, { debianPackage: "procps" }),
    parts.runtimes.of(container.spec).processes(container.id),
  ]);
  parts.events.container(container, "top");
  return selectProcesses(new TextDecoder().decode(output), new Set(pids));
}

/** Docker refuses what would rename or hide the column of the process ids (moby daemon/top_unix.go). */
function requirePlain(args: readonly string[]): void {
  for (const arg of args) {
    if (/^\S+=/.test(arg) && /pid/i.test(arg) && !arg.toLowerCase().includes("pid="))
      throw new BerthError("invalid", `ps args "${arg}" rename the PID column`);
  }
}

/** The last column has the spaces of the command line in it. */
export function selectProcesses(output: string, pids: ReadonlySet<number>): ContainerTopResponse {
  const [header = "", ...lines] = output.split("\n").filter((line) => line.trim() !== "");
  const Titles = header.trim().split(/\s+/);
  const column = Titles.indexOf("PID");
  if (column < 0) throw new BerthError("invalid", "Couldn't find PID field in ps output");
  const rows = lines.map((line) => splitRow(line, Titles.length));
  return { Titles, Processes: rows.filter((row) => pids.has(Number(row[column]))) };
}

function splitRow(line: string, columns: number): string[] {
  const words = line.trim().split(/\s+/);
  if (words.length <= columns) return words;
  return [...words.slice(0, columns - 1), words.slice(columns - 1).join(" ")];
}
