/** `berth export`. */
import { type Command, exactly } from "./command.ts";
import { writeStream } from "./sink.ts";

export const exportContainer: Command = {
  usage: "[OPTIONS] CONTAINER",
  args: exactly(1),
  completes: "containers",
  flags: [
    {
      name: "output",
      short: "o",
      value: "string",
      help: "Write to a file, instead of STDOUT",
      completes: "file",
    },
  ],
  async run({ args, flags, client }) {
    const path = flags.text("output");
    await writeStream(path, "failed to export container", async () => {
      return await (await client()).containers.export(args[0] ?? "");
    });
  },
};
