/** `events`: what a container uses, once or again and again, and that it ran out of memory. */
import { writeSync } from "node:fs";
import { oomKills } from "../kernel/cgroups.ts";
import { parseDurationNs } from "../lib/duration.ts";
import { BerthError } from "../lib/error.ts";
import type { Call, Command } from "./command.ts";
import { getContainer, statusOf } from "./container.ts";
import { statsOf } from "./stats.ts";

export const events: Command = {
  flags: [
    { names: ["interval"], value: "text", help: "time between two reports (default: 5s)" },
    { names: ["stats"], help: "one report, then the end" },
  ],
  usage: "<container-id>",
  help: "Reports what a container uses, one JSON object on each line, until it ends.",
  least: 1,
  most: 1,
  run: watchContainer,
};

/** How often a container is asked whether it has ended, or lost a process for want of memory. */
const LOOK_MS = 100;

async function watchContainer({ root, args, flags, features }: Call): Promise<void> {
  const container = getContainer(root, args[0] ?? "");
  const { id } = container;
  const stopped = () => statusOf(container, features) === "stopped";
  if (stopped()) throw new BerthError("conflict", `container with id ${id} is not running`);
  const intervalMs = intervalOf(flags.text("interval") ?? "5s");
  const group = container.spec.linux.cgroupsPath ?? "";
  const report = () => say({ type: "stats", id, data: statsOf(features.cgroups, group) });
  if (flags.on("stats")) return report();
  let [kills, next] = [oomKills(features.cgroups, group), performance.now() + intervalMs];
  while (!stopped()) {
    const now = oomKills(features.cgroups, group);
    if (now > kills) say({ type: "oom", id });
    kills = now;
    if (performance.now() >= next) {
      report();
      next += intervalMs;
    }
    await Bun.sleep(Math.min(LOOK_MS, intervalMs));
  }
}

function intervalOf(text: string): number {
  const milliseconds = parseDurationNs(text) / 1e6;
  if (milliseconds <= 0) throw new BerthError("invalid", "duration interval must be greater than 0");
  return milliseconds;
}

function say(event: object): void {
  writeSync(1, `${JSON.stringify(event)}\n`);
}
