/** `berth daemon`: this process becomes the engine. */
import { BerthError } from "../lib/error.ts";
import type { Call, Command } from "./command.ts";
import { NONE } from "./command.ts";
import { failed } from "./failure.ts";
import { absolutePath } from "./path.ts";
import { resolvePlaces } from "./places.ts";

export const daemon: Command = {
  usage: "[OPTIONS]",
  args: NONE,
  description:
    "Run the engine in the foreground\n\nIt ends on SIGTERM and SIGINT. Containers go on without it; the next engine takes them over.",
  flags: [
    { name: "group", value: "string", help: "Group that may use the socket (default: only root)" },
    { name: "root", value: "string", help: "Where images and containers are kept", completes: "file" },
    {
      name: "run",
      value: "string",
      help: "Where things live that are true until the reboot",
      completes: "file",
    },
    {
      name: "userns",
      value: "string",
      help: "User namespace of containers that do not ask for one (auto, private, host)",
      completes: ["auto", "private", "host"],
    },
    {
      name: "config-file",
      value: "string",
      help: "Configuration: runtimes and the default one (default /etc/berth/daemon.json)",
      completes: "file",
    },
    {
      name: "add-runtime",
      value: "runtime",
      many: true,
      help: "Another OCI runtime that containers may name (NAME=PATH)",
      check: parseRuntime,
    },
    {
      name: "default-runtime",
      value: "string",
      help: "Runtime of containers that do not ask for one (default berth)",
    },
    { name: "host", short: "H", value: "string", help: "Socket to listen on (unix:///path)" },
    { name: "started-by", value: "string", help: "Who starts the engine", initial: "user", hidden: true },
    { name: "ready-fd", value: "int", help: "Where to say that it serves", hidden: true },
  ],
  async run({ flags, faces, placeFlags, environment }: Call): Promise<number> {
    if (process.getuid?.() !== 0) {
      throw failed(
        1,
        "berth: only root can run the engine: namespaces, mounts and cgroups need it. Use 'sudo berth daemon'",
      );
    }
    const own = { root: flags.text("root"), run: flags.text("run"), host: flags.text("host") };
    const { root, run, socket } = resolvePlaces(
      {
        root: own.root || placeFlags.root,
        run: own.run || placeFlags.run,
        host: own.host || placeFlags.host,
      },
      { ...environment, DOCKER_HOST: undefined }, // that is whom clients ask, not where an engine listens
    );
    return await faces.daemon({
      root,
      run,
      socket,
      group: flags.text("group") || undefined,
      userns: flags.text("userns") || undefined,
      configFile: flags.text("config-file") ? absolutePath(flags.text("config-file")) : undefined,
      runtimes: Object.fromEntries(flags.list("add-runtime").map(parseRuntime)),
      defaultRuntime: flags.text("default-runtime") || undefined,
      startedBy: flags.text("started-by") === "cli" ? "cli" : "user",
      readyDescriptor: flags.given("ready-fd") ? flags.number("ready-fd") : undefined,
    });
  },
};

/** `NAME=PATH`, as dockerd takes it; arguments of a runtime stand in the configuration file. */
function parseRuntime(text: string): [name: string, place: { path: string; args: readonly string[] }] {
  const equals = text.indexOf("=");
  if (equals < 1 || equals === text.length - 1)
    throw new BerthError("invalid", `invalid runtime argument: ${text}: use NAME=PATH`);
  return [text.slice(0, equals), { path: text.slice(equals + 1), args: [] }];
}
