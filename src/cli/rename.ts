/** `berth rename`. */
import { BerthError } from "../lib/error.ts";
import { type Command, exactly } from "./command.ts";
import { failed } from "./failure.ts";
import { expected } from "./many.ts";

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
    try {
      await (await client()).containers.rename(from, to);
    } catch (error) {
      throw failed(1, `${expected(error).message}\nError: failed to rename container named ${from}`);
    }
  },
};
