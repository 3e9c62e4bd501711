/** `berth diff`. */
import { type Command, exactly } from "./command.ts";
import { visibleOn, write } from "./output.ts";

/** By the number of the kind. */
const KINDS = ["C", "A", "D"];

export const diff: Command = {
  usage: "CONTAINER",
  args: exactly(1),
  completes: "containers",
  flags: [],
  async run({ args, client }) {
    const changes = await (await client()).containers.changes(args[0] ?? "");
    const lines = (changes ?? []).map(({ Kind: kind, Path: path }) => `${KINDS[kind] ?? "?"} ${path}\n`);
    write(1, visibleOn(1, lines.join("")));
  },
};
