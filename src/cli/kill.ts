/** `berth kill`. */
import { atLeast, type Command } from "./command.ts";
import { forEach } from "./many.ts";

export const kill: Command = {
  usage: "[OPTIONS] CONTAINER [CONTAINER...]",
  args: atLeast(1),
  completes: "running",
  flags: [{ name: "signal", short: "s", value: "string", help: "Signal to send to the container" }],
  async run(call) {
    const client = await call.client();
    return await forEach(call.args, (ref) => client.containers.kill(ref, call.flags.text("signal")));
  },
};
