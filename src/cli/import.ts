/** `berth import`. */
import { atLeast, type Command } from "./command.ts";
import { showProgress } from "./progress.ts";
import { splitReference } from "./reference.ts";
import { readFileStream, readInput } from "./source.ts";

export const importImage: Command = {
  usage: "[OPTIONS] file|URL|- [REPOSITORY[:TAG]]",
  args: atLeast(1),
  completes: "files",
  flags: [
    {
      name: "change",
      short: "c",
      value: "list",
      many: true,
      help: "Apply Dockerfile instruction to the created image",
    },
    { name: "message", short: "m", value: "string", help: "Set commit message for imported image" },
    { name: "platform", value: "string", help: "Set platform if server is multi-platform capable" },
  ],
  async run({ args, flags, client }) {
    const [from = "", reference = ""] = args;
    const isUrl = /^https?:\/\//.test(from);
    const body = isUrl ? undefined : from === "-" ? readInput() : readFileStream(from);
    const { name: repo, tag } = splitReference(reference);
    const query = {
      fromSrc: isUrl ? from : "-",
      repo,
      tag,
      message: flags.text("message"),
      platform: flags.text("platform"),
      changes: flags.list("change"),
    };
    await showProgress(await (await client()).images.import(query, body), { stream: 1 });
  },
};
