/** `berth restart`. */
import { atLeast, type Command } from "./command.ts";
import { forEach } from "./many.ts";
import { STOP_FLAGS, stopQuery } from "./stop-flags.ts";

export const restart: Command = {
  usage: "[OPTIONS] CONTAINER [CONTAINER...]",
  args: atLeast(1),
  completes: "containers",
  flags: STOP_FLAGS,
  async run(call) {
    const client = await call.client();
    return await forEach(call.args, (ref) => client.containers.restart(ref, stopQuery(call.flags)));
  },
};
