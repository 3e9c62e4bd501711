/** `berth run`: create, attach, wait, start; then the container's output and its exit code are ours. */
import { BerthError } from "../lib/error.ts";
import type { ContainerCreateRequest } from "../wire/requests.ts";
import { startAttached } from "./attached.ts";
import { atLeast, type Call, type Command } from "./command.ts";
import { CONTAINER_FLAGS } from "./container-flags.ts";
import { checkPull, createContainer } from "./container-launch.ts";
import { containerRequest } from "./container-request.ts";
import { demandOurs } from "./desk.ts";
import { EXPLAIN_FLAG, explainFormat } from "./explain.ts";
import { Failure, failed } from "./failure.ts";
import { isTerminal, print } from "./output.ts";
import { forwardSignals } from "./signals.ts";

export const run: Command = {
  usage: "[OPTIONS] IMAGE [COMMAND] [ARG...]",
  args: atLeast(1),
  stopAtArgument: true,
  completes: "images",
  flags: [
    ...CONTAINER_FLAGS,
    { name: "detach", short: "d", help: "Run container in background and print container ID" },
    {
      name: "detach-keys",
      value: "string",
      help: "Override the key sequence for detaching a container",
    },
    { name: "sig-proxy", help: "Proxy received signals to the process", initial: "true" },
    EXPLAIN_FLAG,
  ],
  async run(call: Call): Promise<number> {
    try {
      return await runContainer(call);
    } catch (error) {
      throw error instanceof BerthError ? troubleOf(error) : error;
    }
  },
};

async function runContainer(call: Call): Promise<number> {
  const { flags, args, environment } = call;
  checkPull(flags);
  const request = containerRequest({ flags, args, environment, detached: flags.on("detach") });
  if (flags.given("explain")) return await explain(call, request);
  if (request.AttachStdin || request.Tty) demandOurs();
  await prepareTerminal(request);
  const client = await call.client();
  const id = await createContainer(client, request, flags);
  if (flags.on("sig-proxy")) forwardSignals((signal) => client.containers.kill(id, signal));
  if (isAttached(request)) return await startAttached(client, id, attachmentOf(call, request));
  print(id);
  await client.containers.start(id);
  return 0;
}

async function explain(call: Call, request: ContainerCreateRequest): Promise<number> {
  const client = await call.client();
  const query = { format: explainFormat(call.flags), platform: call.flags.text("platform") };
  print((await client.containers.explain(request, query)).trimEnd());
  return 0;
}

function attachmentOf({ flags }: Call, request: ContainerCreateRequest): Parameters<typeof startAttached>[2] {
  return {
    stdin: request.AttachStdin === true,
    stdout: request.AttachStdout === true,
    stderr: request.AttachStderr === true,
    tty: request.Tty === true,
    remove: flags.on("rm"),
    detachKeys: flags.text("detach-keys"),
  };
}

function isAttached(request: ContainerCreateRequest): boolean {
  return Boolean(request.AttachStdin || request.AttachStdout || request.AttachStderr);
}

/** A terminal inside needs one outside to type at, and gets its size. */
async function prepareTerminal(request: ContainerCreateRequest): Promise<void> {
  if (!request.Tty) return;
  if (request.AttachStdin && !isTerminal(0)) throw failed(1, "the input device is not a TTY");
  if (!isTerminal(1)) return;
  const { terminalSize } = await import("./terminal.ts");
  const size = await terminalSize();
  if (size !== undefined)
    request.HostConfig = { ...request.HostConfig, ConsoleSize: [size.rows, size.columns] };
}

/** Docker's words and exit codes: 127 not found, 126 not executable, 125 all else (cli/command/container/run.go). */
function troubleOf(error: BerthError): Failure {
  const status =
    error.code === "command_not_found" ? 127 : error.code === "command_not_executable" ? 126 : 125;
  return new Failure(status, `berth: ${error.message}\n\nRun 'berth run --help' for more information`);
}
