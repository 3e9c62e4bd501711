/** `berth load`. */
import { BerthError } from "../lib/error.ts";
import { type Command, NONE } from "./command.ts";
import { isTerminal } from "./output.ts";
import { showProgress } from "./progress.ts";
import { readFileStream, readInput } from "./source.ts";

export const load: Command = {
  usage: "[OPTIONS]",
  args: NONE,
  flags: [
    {
      name: "input",
      short: "i",
      value: "string",
      help: "Read from tar archive file, instead of STDIN",
      completes: "file",
    },
    {
      name: "platform",
      value: "string",
      help: 'Load only the given platform variant. Formatted as "os[/arch[/variant]]" (e.g., "linux/amd64")',
    },
    { name: "quiet", short: "q", help: "Suppress the load output" },
  ],
  async run({ flags, client }) {
    const path = flags.text("input");
    if (path === "" && isTerminal(0))
      throw new BerthError("invalid", "requested load from stdin, but stdin is empty");
    const body = path === "" ? readInput() : readFileStream(path);
    const query = { quiet: flags.on("quiet") || !isTerminal(1), platform: flags.text("platform") };
    await showProgress(await (await client()).images.load(query, body), { stream: 1 });
  },
};
