/** `berth top`. */
import { formatTable } from "../lib/table.ts";
import { atLeast, type Command } from "./command.ts";
import { print, visibleOn } from "./output.ts";

export const top: Command = {
  usage: "CONTAINER [ps OPTIONS]",
  args: atLeast(1),
  stopAtArgument: true,
  completes: "running",
  flags: [],
  async run({ args, client }) {
    const [ref = "", ...options] = args;
    const { Titles: titles, Processes: rows } = await (await client()).containers.top(ref, options.join(" "));
    print(visibleOn(1, formatTable([titles ?? [], ...(rows ?? [])], { minWidth: 20, padding: 3 })));
  },
};
