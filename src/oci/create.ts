/** `create`: everything of a container but its program's first instruction. */
import { closeSync } from "node:fs";
import type { Call, Command } from "./command.ts";
import type { Flag } from "./flags.ts";
import { launchContainer } from "./launch.ts";
import { detachedConsole } from "./terminal.ts";

export const BUNDLE_FLAG: Flag = {
  names: ["bundle", "b"],
  value: "path",
  help: "the bundle directory (default: the current one)",
};
export const PID_FILE: Flag = { names: ["pid-file"], value: "path", help: "file to write the process id to" };
export const CONSOLE_SOCKET: Flag = {
  names: ["console-socket"],
  value: "path",
  help: "unix socket that takes the master of the terminal",
};
export const PRESERVE_FDS: Flag = {
  names: ["preserve-fds"],
  value: "number",
  help: "how many further descriptors the process gets, behind those of $LISTEN_FDS",
};

export const CREATE_FLAGS: readonly Flag[] = [
  BUNDLE_FLAG,
  CONSOLE_SOCKET,
  PID_FILE,
  { names: ["no-pivot"], help: "refused: the root is always left by pivot_root" },
  { names: ["no-new-keyring"], help: "keep the session keyring of the caller" },
  PRESERVE_FDS,
];

export const create: Command = {
  flags: CREATE_FLAGS,
  usage: "<container-id>",
  help: "Makes a container of a bundle: its namespaces, mounts and control groups. Its program waits for start.",
  least: 1,
  most: 1,
  failure: "runc create failed: ",
  run: createContainer,
};

async function createContainer(call: Call): Promise<void> {
  const [id = ""] = call.args;
  const made = await launchContainer(call, id, ({ process }) => detachedConsole(call, process));
  if (made.console !== undefined) closeSync(made.console);
}
