/** Processes that join a running container. */
import { BerthError } from "../lib/error.ts";
import type { ExecConfig, ExecStartConfig } from "../wire/requests.ts";
import { encodeFrame, STDOUT } from "../wire/stream.ts";
import type { Attachment } from "../engine/engine.ts";
import type { Call } from "./call.ts";
import { streamType } from "./container-streams.ts";
import { empty, json, type Reply } from "./reply.ts";
import { route } from "./route.ts";
import { EXEC_CREATE, EXEC_START } from "./shapes.ts";

async function create(call: Call): Promise<Reply> {
  return json(await call.engine.execs.create(call.parameter("id"), await execConfig(call)), 201);
}

/** The body of an exec, which `POST /berth/exec/explain` takes too. */
export async function execConfig(call: Call): Promise<ExecConfig> {
  const config = (await call.json<ExecConfig>(EXEC_CREATE)) ?? {};
  if ((config.Cmd ?? []).length === 0) throw new BerthError("invalid", "No exec command specified");
  return config;
}

/**
 * A command that cannot run is told in the stream, where docker puts it; its exit code is in the inspection
 * (moby exec.go, postContainerExecStart).
 */
async function start(call: Call): Promise<Reply> {
  const id = call.parameter("id");
  const config = (await call.json<ExecStartConfig>(EXEC_START)) ?? {};
  const detached = config.Detach ?? false;
  const { OpenStdin: stdin } = await call.engine.execs.inspect(id);
  const attachment = await call.engine.execs.start(id, config, call.signal).catch((error: unknown) => {
    if (detached || !isCommandFailure(error)) throw error;
    return saying(`${error.message}\r\n`, config.Tty ?? false);
  });
  if (attachment === undefined) return empty(200);
  return { kind: "hijack", attachment, contentType: streamType(call, attachment.tty), stdin };
}

function isCommandFailure(error: unknown): error is BerthError {
  return (
    error instanceof BerthError &&
    (error.code === "command_not_found" || error.code === "command_not_executable")
  );
}

/** The streams of a process that never was. */
function saying(text: string, tty: boolean): Attachment {
  return {
    tty,
    output: (async function* () {
      yield tty ? new TextEncoder().encode(text) : encodeFrame(STDOUT, text);
    })(),
    write: async () => {},
    closeInput: () => {},
    close: () => {},
  };
}

async function inspect(call: Call): Promise<Reply> {
  return json(await call.engine.execs.inspect(call.parameter("id")));
}

async function resize(call: Call): Promise<Reply> {
  const height = call.query.terminalSize("h", "height");
  const width = call.query.terminalSize("w", "width");
  await call.engine.execs.resize(call.parameter("id"), height, width);
  return empty(200);
}

export const execRoutes = [
  route("POST", "/containers/{id}/exec", create),
  route("POST", "/exec/{id}/start", start),
  route("POST", "/exec/{id}/resize", resize, { query: ["h", "w"] }),
  route("GET", "/exec/{id}/json", inspect),
];
