/** `berth history`. */
import { formatSize } from "../lib/size.ts";
import type { ImageHistoryResponseItem } from "../wire/schema.ts";
import { type Command, exactly } from "./command.ts";
import { FORMAT_HELP, type ListFormat, listedAs, printList, type Row } from "./list-format.ts";
import { ago, ellipsis, rfc3339, shortId } from "./text.ts";

export const history: Command = {
  usage: "[OPTIONS] IMAGE",
  args: exactly(1),
  completes: "images",
  flags: [
    { name: "format", value: "string", help: FORMAT_HELP },
    { name: "human", short: "H", help: "Print sizes and dates in human readable format", initial: "true" },
    { name: "no-trunc", help: "Don't truncate output" },
    {
      name: "platform",
      value: "string",
      help: "Show history for the given platform",
      unsupported: "images have one",
    },
    { name: "quiet", short: "q", help: "Only show image IDs" },
  ],
  async run({ args, flags, client }) {
    const layers = await (await client()).images.history(args[0] ?? "");
    const [short, human] = [!flags.on("no-trunc"), flags.on("human")];
    const rows = layers.map((layer) => historyRow(layer, short, human));
    await printList(rows, listedAs(flags), historyList(human));
  },
};

function historyList(human: boolean): ListFormat {
  return {
    table: `{{.ID}}\t{{.Created${human ? "Since" : "At"}}}\t{{.CreatedBy}}\t{{.Size}}\t{{.Comment}}`,
    typeName: "*image.historyContext",
    headers: {
      ID: "IMAGE",
      CreatedSince: "CREATED",
      CreatedAt: "CREATED AT",
      CreatedBy: "CREATED BY",
      Size: "SIZE",
      Comment: "COMMENT",
    },
  };
}

function historyRow(layer: ImageHistoryResponseItem, short: boolean, human: boolean): Row {
  const command = layer.CreatedBy.replaceAll("\t", " ");
  return {
    ID: short ? shortId(layer.Id) : layer.Id,
    get CreatedAt() {
      return layer.Created > 0 ? rfc3339(layer.Created) : "";
    },
    CreatedSince: layer.Created > 0 ? ago(layer.Created) : "",
    CreatedBy: short ? ellipsis(command, 45) : command,
    Size: human ? formatSize(layer.Size) : String(layer.Size),
    Comment: layer.Comment,
  };
}
