/** `berth exec`: one more process in a running container. */
import type { Client } from "../client/client.ts";
import { BerthError } from "../lib/error.ts";
import type { ExecConfig } from "../wire/requests.ts";
import { atLeast, type Call, type Command } from "./command.ts";
import { checkEnvironment } from "./container-checks.ts";
import { demandOurs } from "./desk.ts";
import { readEnvironment } from "./environment.ts";
import { EXPLAIN_FLAG, explainFormat } from "./explain.ts";
import { Failure, failed } from "./failure.ts";
import { isTerminal, print } from "./output.ts";
import { relay } from "./relay.ts";

export const exec: Command = {
  usage: "[OPTIONS] CONTAINER COMMAND [ARG...]",
  args: atLeast(2),
  stopAtArgument: true,
  completes: "running",
  flags: [
    { name: "detach", short: "d", help: "Detached mode: run command in the background" },
    { name: "detach-keys", value: "string", help: "Override the key sequence for detaching a container" },
    {
      name: "env",
      short: "e",
      value: "list",
      many: true,
      help: "Set environment variables",
      check: checkEnvironment,
    },
    {
      name: "env-file",
      value: "list",
      many: true,
      help: "Read in a file of environment variables",
      completes: "file",
    },
    { name: "interactive", short: "i", help: "Keep STDIN open even if not attached" },
    { name: "privileged", help: "Give extended privileges to the command" },
    { name: "tty", short: "t", help: "Allocate a pseudo-TTY" },
    {
      name: "user",
      short: "u",
      value: "string",
      help: 'Username or UID (format: "<name|uid>[:<group|gid>]")',
    },
    { name: "workdir", short: "w", value: "string", help: "Working directory inside the container" },
    EXPLAIN_FLAG,
  ],
  async run(call: Call): Promise<number> {
    const [container = ""] = call.args;
    const config = execConfig(call);
    if (call.flags.given("explain")) return await explain(call, container, config);
    if (config.Tty || config.AttachStdin) demandOurs();
    if (config.Tty && config.AttachStdin && !isTerminal(0)) throw failed(1, "the input device is not a TTY");
    const client = await call.client();
    try {
      return await execIn(client, container, config, call.flags.on("detach"));
    } catch (error) {
      throw error instanceof BerthError ? troubleOf(error) : error;
    }
  },
};

export function execConfig({ flags, args, environment }: Call): ExecConfig {
  const attached = !flags.on("detach");
  const env = readEnvironment(flags.list("env-file"), flags.list("env"), environment);
  return {
    AttachStdin: attached && flags.on("interactive"),
    AttachStdout: attached,
    AttachStderr: attached,
    Tty: flags.on("tty"),
    Cmd: args.slice(1),
    ...(env.length > 0 ? { Env: env } : {}),
    ...(flags.on("privileged") ? { Privileged: true } : {}),
    ...(flags.text("user") === "" ? {} : { User: flags.text("user") }),
    ...(flags.text("workdir") === "" ? {} : { WorkingDir: flags.text("workdir") }),
    ...(flags.text("detach-keys") === "" ? {} : { DetachKeys: flags.text("detach-keys") }),
  };
}

async function explain(call: Call, container: string, config: ExecConfig): Promise<number> {
  const client = await call.client();
  print((await client.execs.explain(container, config, explainFormat(call.flags))).trimEnd());
  return 0;
}

async function execIn(
  client: Client,
  container: string,
  config: ExecConfig,
  detach: boolean,
): Promise<number> {
  const tty = config.Tty === true;
  const size = tty ? await consoleSize() : {};
  const { Id: id } = await client.execs.create(container, { ...config, ...size });
  if (detach) {
    await client.execs.startDetached(id, { Tty: tty, ...size });
    return 0;
  }
  const connection = await client.execs.start(id, { Detach: false, Tty: tty, ...size });
  const stop = tty ? await followSize(client, id) : () => {};
  const stdin = config.AttachStdin === true;
  const end = await relay(connection, {
    stdin,
    tty,
    terminal: tty && stdin,
    detachKeys: config.DetachKeys ?? "",
  });
  stop();
  if (end === "detached") throw failed(1, "read escape sequence");
  return (await client.execs.inspect(id)).ExitCode ?? 0;
}

async function consoleSize(): Promise<{ ConsoleSize?: number[] }> {
  if (!isTerminal(1)) return {};
  const { terminalSize } = await import("./terminal.ts");
  const size = await terminalSize();
  return size === undefined ? {} : { ConsoleSize: [size.rows, size.columns] };
}

async function followSize(client: Client, id: string): Promise<() => void> {
  if (!isTerminal(1)) return () => {};
  const { watchSize } = await import("./terminal.ts");
  return watchSize(async ({ rows, columns }) => {
    await client.execs.resize(id, { h: rows, w: columns }).catch(() => {}); // it may just have ended
  });
}

/** The exit codes that a shell gives too. */
function troubleOf(error: BerthError): Failure {
  const status = error.code === "command_not_found" ? 127 : error.code === "command_not_executable" ? 126 : 1;
  return new Failure(status, error.message);
}
