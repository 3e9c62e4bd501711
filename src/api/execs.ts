/** Processes that join a running container. */
import { BerthError } from "../lib/error.ts";
import type { ExecConfig, ExecInspectResponse, ExecStartConfig } from "../wire/requests.ts";
import type { Call } from "./call.ts";
import { streamType } from "./container-streams.ts";
import { empty, json, type Reply } from "./reply.ts";
import { route } from "./route.ts";
import { EXEC_CREATE, EXEC_START } from "./shapes.ts";
import { starting } from "./starting.ts";

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
 * As docker does, the 101 goes out before the process starts (docker-py loses output that comes with it in one
 * packet), so a start that fails is told in the stream, and its exit code is in the inspection (moby exec.go).
 */
async function start(call: Call): Promise<Reply> {
  const id = call.parameter("id");
  const config = (await call.json<ExecStartConfig>(EXEC_START)) ?? {};
  const exec = await call.engine.execs.inspect(id);
  requireFresh(exec);
  if (config.Detach === true) {
    await call.engine.execs.start(id, config);
    return empty(200);
  }
  const tty = exec.ProcessConfig.tty ?? false;
  const attachment = starting(call.engine.execs.start(id, config, call.signal), tty);
  return { kind: "hijack", attachment, contentType: streamType(call, tty), stdin: exec.OpenStdin };
}

function requireFresh({ ID: id, Running: running, ExitCode: exitCode }: ExecInspectResponse): void {
  if (running) throw new BerthError("conflict", `Error: Exec command ${id} is already running`);
  if (exitCode !== null) throw new BerthError("conflict", `Error: Exec command ${id} has already run`);
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
