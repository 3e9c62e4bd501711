/** `berth tag`. */
import { type Command, exactly } from "./command.ts";
import { splitReference } from "./reference.ts";

export const tag: Command = {
  usage: "SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]",
  args: exactly(2),
  completes: "images",
  flags: [],
  async run({ args, client }) {
    const [source = "", target = ""] = args;
    const { name, tag: label } = splitReference(target);
    await (await client()).images.tag(source, { repo: name, tag: label || "latest" });
  },
};
