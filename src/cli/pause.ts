/** `berth pause` and `berth unpause`. */
import { atLeast, type Command } from "./command.ts";
import { forEach } from "./many.ts";

export const pause: Command = {
  usage: "CONTAINER [CONTAINER...]",
  args: atLeast(1),
  completes: "running",
  flags: [],
  async run(call) {
    const client = await call.client();
    return await forEach(call.args, (ref) => client.containers.pause(ref));
  },
};

export const unpause: Command = {
  ...pause,
  async run(call) {
    const client = await call.client();
    return await forEach(call.args, (ref) => client.containers.unpause(ref));
  },
};
