/** `berth pull`: the engine says what it can fetch. */
import type { Client } from "../client/client.ts";
import { type Command, exactly } from "./command.ts";
import { print } from "./output.ts";
import { showProgress } from "./progress.ts";
import { splitReference, withTag } from "./reference.ts";

export const pull: Command = {
  usage: "[OPTIONS] NAME[:TAG|@DIGEST]",
  args: exactly(1),
  flags: [
    {
      name: "all-tags",
      short: "a",
      help: "Download all tagged images in the repository",
      unsupported: "name the tag",
    },
    { name: "disable-content-trust", help: "Skip image verification", initial: "true", hidden: true },
    { name: "platform", value: "string", help: "Set platform if server is multi-platform capable" },
    { name: "quiet", short: "q", help: "Suppress verbose output" },
  ],
  async run({ args, flags, client }) {
    const [image = ""] = args;
    const quiet = flags.on("quiet");
    const { tag, digest } = splitReference(image);
    if (tag === "" && digest === "" && !quiet) print("Using default tag: latest");
    await pullImage(await client(), image, { platform: flags.text("platform"), quiet, stream: 1 });
    print(canonical(image));
  },
};

export interface PullOptions {
  readonly platform: string;
  readonly quiet: boolean;
  /** Where progress is shown: 1 or 2. */
  readonly stream: number;
}

export async function pullImage(client: Client, image: string, options: PullOptions): Promise<void> {
  const { name, tag, digest } = splitReference(withTag(image));
  const query = { fromImage: name, tag: digest || tag, platform: options.platform };
  await showProgress(await client.images.pull(query), options);
}

/** `busybox` is `docker.io/library/busybox:latest`. */
export function canonical(image: string): string {
  const whole = withTag(image);
  const [first = ""] = whole.split("/");
  const hasHost = whole.includes("/") && (/[.:]/.test(first) || first === "localhost");
  if (hasHost) return whole;
  return `docker.io/${whole.includes("/") ? "" : "library/"}${whole}`;
}
