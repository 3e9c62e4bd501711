/** `berth cp`: files between a container and here, as tar streams both ways. */
import { BerthError } from "../lib/error.ts";
import { type Call, type Command, exactly } from "./command.ts";
import { copyFrom, copyTo } from "./copy.ts";
import { isTerminal, write } from "./output.ts";
import { formatSize } from "../lib/size.ts";

export const cp: Command = {
  usage: "[OPTIONS] CONTAINER:SRC_PATH DEST_PATH|-",
  otherUsage: ["cp [OPTIONS] SRC_PATH|- CONTAINER:DEST_PATH"],
  args: exactly(2),
  completes: "files",
  description:
    "Copy files/folders between a container and the local filesystem\n\nUse '-' as the source to read a tar archive from stdin\nand extract it to a directory destination in a container.\nUse '-' as the destination to stream a tar archive of a\ncontainer source to stdout.",
  flags: [
    { name: "archive", short: "a", help: "Archive mode (copy all uid/gid information)" },
    { name: "follow-link", short: "L", help: "Always follow symbol link in SRC_PATH" },
    {
      name: "quiet",
      short: "q",
      help: "Suppress progress output during copy. Progress output is automatically suppressed if no terminal is attached",
    },
  ],
  async run(call: Call): Promise<void> {
    const [source, target] = call.args.map(splitPlace);
    if (source === undefined || target === undefined) return;
    if (source.path === "") throw new BerthError("invalid", "source can not be empty");
    if (target.path === "") throw new BerthError("invalid", "destination can not be empty");
    if (source.container !== "" && target.container !== "") {
      throw new BerthError("invalid", "copying between containers is not supported");
    }
    await copyBetween(call, source, target);
  },
};

async function copyBetween(call: Call, source: Place, target: Place): Promise<void> {
  const { flags } = call;
  const options = { followLink: flags.on("follow-link"), archive: flags.on("archive") };
  if (source.container !== "") {
    const bytes = await copyFrom((await call.client()).containers, source, target.path, options);
    return target.path === "-" ? undefined : sayDone(call, bytes, target.path);
  }
  if (target.container === "") throw new BerthError("invalid", "must specify at least one container source");
  const bytes = await copyTo((await call.client()).containers, source.path, target, options);
  return source.path === "-" ? undefined : sayDone(call, bytes, `${target.container}:${target.path}`);
}

export interface Place {
  /** Empty: here. */
  readonly container: string;
  readonly path: string;
}

/** `CONTAINER:PATH`; what begins with a slash or a dot is a path of ours, whatever stands in it. */
export function splitPlace(text: string): Place {
  const colon = text.indexOf(":");
  if (text.startsWith("/") || text.startsWith(".") || colon < 0) return { container: "", path: text };
  return { container: text.slice(0, colon), path: text.slice(colon + 1) };
}

function sayDone({ flags }: Call, bytes: number, target: string): void {
  const quiet = flags.given("quiet") ? flags.on("quiet") : !isTerminal(1);
  if (!quiet) write(2, `Successfully copied ${formatSize(bytes)} to ${target}\n`);
}
