/** `berth container prune` and `berth image prune`. */
import { formatSize } from "../lib/size.ts";
import { type Call, type Command, NONE } from "./command.ts";
import { FILTER_FLAG, filtersOf } from "./filter-flag.ts";
import type { Flag } from "./flags.ts";
import { print, write } from "./output.ts";

const FLAGS: readonly Flag[] = [
  {
    ...FILTER_FLAG,
    short: undefined,
    help: 'Provide filter values (e.g. "until=<timestamp>")',
  } as unknown as Flag,
  { name: "force", short: "f", help: "Do not prompt for confirmation" },
];

export const pruneContainers: Command = {
  usage: "[OPTIONS]",
  args: NONE,
  flags: FLAGS,
  async run(call) {
    if (!(await confirm(call, "WARNING! This will remove all stopped containers."))) return;
    const report = await (await call.client()).containers.prune(filtersOf(call.flags));
    const ids = report.ContainersDeleted ?? [];
    if (ids.length > 0) print(`Deleted Containers:\n${ids.join("\n")}\n`);
    print(`Total reclaimed space: ${formatSize(report.SpaceReclaimed, 4)}`);
  },
};

const ALL = "WARNING! This will remove all images without at least one container associated to them.";
const DANGLING = "WARNING! This will remove all dangling images.";

export const pruneImages: Command = {
  usage: "[OPTIONS]",
  args: NONE,
  flags: [{ name: "all", short: "a", help: "Remove all unused images, not just dangling ones" }, ...FLAGS],
  async run(call) {
    const all = call.flags.on("all");
    if (!(await confirm(call, all ? ALL : DANGLING))) return;
    const filters = new Map(filtersOf(call.flags)).set("dangling", [String(!all)]);
    const report = await (await call.client()).images.prune(filters);
    const lines = (report.ImagesDeleted ?? []).map((image) =>
      image.Untagged ? `untagged: ${image.Untagged}` : `deleted: ${image.Deleted}`,
    );
    if (lines.length > 0) print(`Deleted Images:\n${lines.join("\n")}\n`);
    print(`Total reclaimed space: ${formatSize(report.SpaceReclaimed, 4)}`);
  },
};

/** Nothing but yes is yes. */
async function confirm({ flags }: Call, warning: string): Promise<boolean> {
  if (flags.on("force")) return true;
  write(1, `${warning}\nAre you sure you want to continue? [y/N] `);
  return /^(y|yes)$/i.test((await readLine()).trim());
}

async function readLine(): Promise<string> {
  let text = "";
  for await (const chunk of Bun.stdin.stream()) {
    text += new TextDecoder().decode(chunk);
    if (text.includes("\n")) break;
  }
  return text;
}
