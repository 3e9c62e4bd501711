/** `berth stop`. */
import { atLeast, type Command } from "./command.ts";
import { forEach } from "./many.ts";
import { STOP_FLAGS, stopQuery } from "./stop-flags.ts";

export const stop: Command = {
  usage: "[OPTIONS] CONTAINER [CONTAINER...]",
  args: atLeast(1),
  completes: "running",
  flags: STOP_FLAGS,
  async run(call) {
    const client = await call.client();
    return await forEach(call.args, (ref) => client.containers.stop(ref, stopQuery(call.flags)));
  },
};
