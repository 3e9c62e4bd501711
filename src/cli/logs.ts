/** `berth logs`. */
import { demultiplex } from "../wire/stream.ts";
import { type Command, exactly } from "./command.ts";
import { writeQuickly } from "./output.ts";
import { writePiece } from "./relay.ts";
import { unixTime } from "./since.ts";

const WHEN = '(e.g. "2013-01-02T13:23:37Z") or relative (e.g. "42m" for 42 minutes)';

export const logs: Command = {
  usage: "[OPTIONS] CONTAINER",
  args: exactly(1),
  completes: "containers",
  flags: [
    { name: "details", help: "Show extra details provided to logs" },
    { name: "follow", short: "f", help: "Follow log output" },
    { name: "since", value: "string", help: `Show logs since timestamp ${WHEN}` },
    {
      name: "tail",
      short: "n",
      value: "string",
      help: "Number of lines to show from the end of the logs",
      initial: "all",
    },
    { name: "timestamps", short: "t", help: "Show timestamps" },
    { name: "until", value: "string", help: `Show logs before a timestamp ${WHEN}` },
  ],
  async run({ args, flags, client }) {
    const { containers } = await client();
    const { Id: id, Config: config } = await containers.inspect(args[0] ?? "");
    const body = await containers.logs(id ?? "", {
      stdout: true,
      stderr: true,
      follow: flags.on("follow"),
      details: flags.on("details"),
      timestamps: flags.on("timestamps"),
      tail: flags.text("tail"),
      since: unixTime(flags.text("since"), "since"),
      until: unixTime(flags.text("until"), "until"),
    });
    if (config?.Tty === true) for await (const chunk of body) await writeQuickly(1, chunk);
    else for await (const { stream, bytes } of demultiplex(body)) await writePiece(stream, bytes);
  },
};
