/** `berth image bootstrap busybox|debian`: base images out of Debian packages. */
import { type Call, type Command, NONE } from "./command.ts";
import { showProgress } from "./progress.ts";

const NAME = { name: "name", value: "string" } as const;

export const bootstrapBusybox: Command = {
  usage: "[OPTIONS]",
  args: NONE,
  flags: [{ ...NAME, help: 'Name of the image (default "busybox:latest")' }],
  run: (call) => bootstrap(call, { kind: "busybox" }),
};

export const bootstrapDebian: Command = {
  usage: "[OPTIONS]",
  args: NONE,
  flags: [
    {
      name: "include",
      value: "string",
      help: "Packages to install beside the minimal ones, separated by commas",
    },
    { ...NAME, help: 'Name of the image (default "debian:SUITE")' },
    { name: "suite", value: "string", help: "Release of Debian", initial: "bookworm" },
  ],
  run: (call) =>
    bootstrap(call, { kind: "debian", suite: call.flags.text("suite"), include: call.flags.text("include") }),
};

async function bootstrap(
  { flags, client }: Call,
  query: { kind: string; suite?: string; include?: string },
): Promise<void> {
  const name = flags.text("name");
  const { images } = await client();
  await showProgress(await images.bootstrap({ ...query, name }), { stream: 1 });
}
