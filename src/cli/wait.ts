/** `berth wait`: one after the other, as docker does it. */
import { BerthError } from "../lib/error.ts";
import { atLeast, type Command } from "./command.ts";
import { expected } from "./many.ts";
import { print, printError } from "./output.ts";

export const wait: Command = {
  usage: "CONTAINER [CONTAINER...]",
  args: atLeast(1),
  completes: "containers",
  flags: [],
  async run({ args, client }) {
    const { containers } = await client();
    const errors: string[] = [];
    for (const ref of args) {
      try {
        const { StatusCode: status, Error: error } = await (await containers.wait(ref, "not-running"))();
        if (error) throw new BerthError("internal", error.Message ?? "");
        print(String(status));
      } catch (error) {
        errors.push(expected(error).message);
      }
    }
    for (const message of errors) printError(message);
    return errors.length > 0 ? 1 : 0;
  },
};
