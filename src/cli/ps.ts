/** `berth ps`. */
import { type Call, type Command, NONE } from "./command.ts";
import { containerList, containerRow } from "./container-row.ts";
import { FILTER_FLAG, filtersOf } from "./filter-flag.ts";
import { FORMAT_HELP, listedAs, printList } from "./list-format.ts";

export const ps: Command = {
  usage: "[OPTIONS]",
  args: NONE,
  flags: [
    { name: "all", short: "a", help: "Show all containers (default shows just running)" },
    FILTER_FLAG,
    { name: "format", value: "string", help: FORMAT_HELP },
    {
      name: "last",
      short: "n",
      value: "int",
      help: "Show n last created containers (includes all states)",
      initial: "-1",
    },
    { name: "latest", short: "l", help: "Show the latest created container (includes all states)" },
    { name: "no-trunc", help: "Don't truncate output" },
    { name: "quiet", short: "q", help: "Only display container IDs" },
    { name: "size", short: "s", help: "Display total file sizes" },
  ],
  async run(call: Call): Promise<void> {
    const { flags } = call;
    const format = flags.text("format");
    const size = flags.on("size") || (!flags.given("size") && /\.Size\b/.test(format));
    const last = flags.number("last");
    const limit = flags.on("latest") && last === -1 ? 1 : last;
    const client = await call.client();
    const containers = await client.containers.list({
      all: flags.on("all"),
      size,
      filters: filtersOf(flags),
      ...(limit > 0 ? { limit } : {}),
    });
    const rows = containers.map((container) => containerRow(container, !flags.on("no-trunc")));
    await printList(rows, listedAs(flags), containerList(flags.on("size")));
  },
};
