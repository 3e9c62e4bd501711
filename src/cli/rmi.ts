/** `berth rmi`: one after the other, as docker does it. */
import { atLeast, type Command } from "./command.ts";
import { expected } from "./many.ts";
import { print, printError } from "./output.ts";

export const rmi: Command = {
  usage: "[OPTIONS] IMAGE [IMAGE...]",
  args: atLeast(1),
  completes: "images",
  flags: [
    { name: "force", short: "f", help: "Force removal of the image" },
    { name: "no-prune", help: "Do not delete untagged parents" },
    {
      name: "platform",
      value: "strings",
      help: "Remove only the given platform",
      unsupported: "images have one each",
    },
  ],
  async run({ args, flags, client }) {
    const { images } = await client();
    const [force, noprune] = [flags.on("force"), flags.on("no-prune")];
    const errors: { message: string; fatal: boolean }[] = [];
    for (const ref of args) {
      try {
        for (const { Deleted: deleted, Untagged: untagged } of await images.remove(ref, { force, noprune })) {
          print(deleted ? `Deleted: ${deleted}` : `Untagged: ${untagged}`);
        }
      } catch (error) {
        const { code, message } = expected(error);
        errors.push({ message, fatal: !force || code !== "not_found" });
      }
    }
    for (const { message } of errors) printError(message);
    return errors.some(({ fatal }) => fatal) ? 1 : 0;
  },
};
