/** `berth update`. */
import { BerthError } from "../lib/error.ts";
import { atLeast, type Call, type Command } from "./command.ts";
import { CHANGEABLE_LIMITS } from "./container-flags.ts";
import { changeableLimitsOf } from "./container-request.ts";
import { forEach } from "./many.ts";
import { printError } from "./output.ts";

export const update: Command = {
  usage: "[OPTIONS] CONTAINER [CONTAINER...]",
  args: atLeast(1),
  completes: "containers",
  flags: CHANGEABLE_LIMITS,
  async run({ args, flags, client }: Call) {
    const limits = changeableLimitsOf(flags);
    if (Object.keys(limits).length === 0)
      throw new BerthError("invalid", "you must provide one or more flags when using this command");
    const { containers } = await client();
    return await forEach(args, async (ref) => {
      for (const warning of (await containers.update(ref, limits)).Warnings ?? []) printError(warning);
    });
  },
};
