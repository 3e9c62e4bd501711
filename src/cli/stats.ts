/** `berth stats`. */
import type { Client } from "../client/client.ts";
import type { ContainerStatsResponse } from "../wire/schema.ts";
import { ANY, type Call, type Command } from "./command.ts";
import { FORMAT_HELP, printList } from "./list-format.ts";
import { expected } from "./many.ts";
import { isTerminal, printError, write } from "./output.ts";
import { STATS_LIST, statsRow } from "./stats-row.ts";

const INTERVAL_MS = 1000;
/** Home, and nothing behind what is written then. */
const CLEAR = "\x1b[2J\x1b[H";

export const stats: Command = {
  usage: "[OPTIONS] [CONTAINER...]",
  args: ANY,
  completes: "running",
  flags: [
    { name: "all", short: "a", help: "Show all containers (default shows just running)" },
    { name: "format", value: "string", help: FORMAT_HELP },
    { name: "no-stream", help: "Disable streaming stats and only pull the first result" },
    { name: "no-trunc", help: "Do not truncate output" },
  ],
  async run(call: Call): Promise<number> {
    const { args, flags } = call;
    const client = await call.client();
    const all = flags.on("all");
    let before = await samples(client, args, all);
    if (before.failed && args.length === before.stats.size) return 1;
    do {
      await Bun.sleep(INTERVAL_MS);
      const now = await samples(client, args, all);
      if (!flags.on("no-stream") && isTerminal(1)) write(1, CLEAR);
      const rows = [...now.stats].map(([ref, sample]) =>
        statsRow(ref, sample, before.stats.get(ref), !flags.on("no-trunc")),
      );
      await printList(rows, flags.text("format"), STATS_LIST);
      before = now;
    } while (!flags.on("no-stream"));
    return before.failed ? 1 : 0;
  },
};

/** By what was typed, or the id; undefined for a container that is not there. */
interface Samples {
  readonly stats: ReadonlyMap<string, ContainerStatsResponse | undefined>;
  readonly failed: boolean;
}

async function samples(client: Client, named: readonly string[], all: boolean): Promise<Samples> {
  const refs =
    named.length > 0
      ? named
      : (await client.containers.list({ all, filters: new Map() })).map(({ Id: id }) => id ?? "");
  const results = await Promise.allSettled(refs.map((ref) => client.containers.stats(ref)));
  const found = results.map((result) => (result.status === "fulfilled" ? result.value : undefined));
  const failures = results.filter((result) => result.status === "rejected");
  if (named.length > 0) for (const { reason } of failures) printError(expected(reason).message);
  return { stats: new Map(refs.map((ref, at) => [ref, found[at]])), failed: failures.length > 0 };
}
