/** `ps`: the processes of a container, with the host's ps or as a list of numbers. */
import { writeSync } from "node:fs";
import { processes } from "../kernel/cgroups.ts";
import { run } from "../kernel/spawn.ts";
import { BerthError } from "../lib/error.ts";
import type { Command } from "./command.ts";
import { getContainer } from "./container.ts";

export const ps: Command = {
  flags: [{ names: ["format", "f"], value: "text", help: "table (default) or json" }],
  usage: "<container-id> [ps options]",
  help: "Prints the processes of a container; options behind its name are those of ps(1), -ef where there are none.",
  least: 1,
  async run({ root, args, flags, features }) {
    const [id = "", ...options] = args;
    const container = getContainer(root, id);
    const pids = processes(features.cgroups, container.spec.linux.cgroupsPath ?? "");
    const format = flags.text("format") ?? "table";
    if (format === "json") return void writeSync(1, `${JSON.stringify(pids)}\n`);
    if (format !== "table") throw new BerthError("invalid", "invalid format option");
    const output = await run("ps", options.length === 0 ? ["-ef"] : options, { debianPackage: "procps" });
    writeSync(1, chosen(new TextDecoder().decode(output), new Set(pids)));
  },
};

/** The head, and the lines whose column PID names one of them. */
function chosen(table: string, pids: ReadonlySet<number>): string {
  const [head = "", ...lines] = table.split("\n");
  const column = head.trim().split(/\s+/).indexOf("PID");
  if (column < 0) throw new BerthError("invalid", "couldn't find PID field in ps output");
  const wanted = lines.filter((line) => pids.has(Number(line.trim().split(/\s+/)[column])));
  return [head, ...wanted].map((line) => `${line}\n`).join("");
}
