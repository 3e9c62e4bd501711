/** `berth rm`. */
import { BerthError } from "../lib/error.ts";
import { atLeast, type Command } from "./command.ts";
import { forEach } from "./many.ts";

export const rm: Command = {
  usage: "[OPTIONS] CONTAINER [CONTAINER...]",
  args: atLeast(1),
  completes: "containers",
  flags: [
    { name: "force", short: "f", help: "Force the removal of a running container (uses SIGKILL)" },
    { name: "link", short: "l", help: "Remove the specified link", unsupported: "there are no links" },
    { name: "volumes", short: "v", help: "Remove anonymous volumes associated with the container" },
  ],
  async run({ args, flags, client }) {
    const { containers } = await client();
    const [force, v] = [flags.on("force"), flags.on("volumes")];
    const remove = async (ref: string): Promise<void> => {
      const name = ref.replace(/^\/+|\/+$/g, "");
      if (name === "") throw new BerthError("invalid", "container name cannot be empty");
      await containers.remove(name, { force, v });
    };
    // With --force, what is not there is gone already: told, but no failure.
    return await forEach(args, remove, { forgive: (error) => force && error.code === "not_found" });
  },
};
