/** `berth rename`. */
import { BerthError } from "../lib/error.ts";
import { type Command, exactly } from "./command.ts";

export const rename: Command = {
  usage: "CONTAINER NEW_NAME",
  args: exactly(2),
  completes: "containers",
  flags: [],
  async run({ args, client }) {
    const [from = "", to = ""] = args.map((arg) => arg.trim());
    if (from === "" || to === "") {
      throw new BerthError("invalid", "Error: Neither old nor new names may be empty");
    }
    await (await client()).containers.rename(from, to);
  },
};
