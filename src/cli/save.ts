/** `berth save`. */
import { atLeast, type Command } from "./command.ts";
import { writeStream } from "./sink.ts";

export const save: Command = {
  usage: "[OPTIONS] IMAGE [IMAGE...]",
  args: atLeast(1),
  completes: "images",
  flags: [
    {
      name: "output",
      short: "o",
      value: "string",
      help: "Write to a file, instead of STDOUT",
      completes: "file",
    },
    {
      name: "platform",
      value: "string",
      help: "Save only the given platform",
      unsupported: "images have one each",
    },
  ],
  async run({ args, flags, client }) {
    await writeStream(flags.text("output"), "failed to save image", async () => {
      return await (await client()).images.save(args);
    });
  },
};
