/** `berth images`. */
import type { Call, Command } from "./command.ts";
import { FILTER_FLAG, filtersOf } from "./filter-flag.ts";
import { imageList, imageRows } from "./image-row.ts";
import { FORMAT_HELP, listedAs, printList } from "./list-format.ts";

export const images: Command = {
  usage: "[OPTIONS] [REPOSITORY[:TAG]]",
  args: { least: 0, most: 1 },
  completes: "images",
  flags: [
    { name: "all", short: "a", help: "Show all images (default hides intermediate images)" },
    { name: "digests", help: "Show digests" },
    FILTER_FLAG,
    { name: "format", value: "string", help: FORMAT_HELP },
    { name: "no-trunc", help: "Don't truncate output" },
    { name: "quiet", short: "q", help: "Only show image IDs" },
    { name: "tree", help: "List as a tree", unsupported: "images have one platform each" },
  ],
  async run(call: Call): Promise<void> {
    const { args, flags } = call;
    const filters = new Map(filtersOf(flags));
    const [reference] = args;
    if (reference !== undefined) filters.set("reference", [...(filters.get("reference") ?? []), reference]);
    const client = await call.client();
    const digestRows = flags.on("digests");
    const digests = digestRows || /\.Digest\b/.test(flags.text("format"));
    const list = await client.images.list({ all: flags.on("all"), digests: false, filters });
    const rows = list.flatMap((image) =>
      imageRows(image, { short: !flags.on("no-trunc"), digests, digestRows }),
    );
    await printList(rows, listedAs(flags), imageList(digestRows));
  },
};
