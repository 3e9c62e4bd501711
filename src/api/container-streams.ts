/** Containers, as far as the answer is a stream: wait, logs, attach. */
import type { AttachOptions } from "../engine/engine.ts";
import { BerthError } from "../lib/error.ts";
import type { WaitCondition } from "../wire/requests.ts";
import { MULTIPLEXED_STREAM, RAW_STREAM } from "../wire/versions.ts";
import type { Call } from "./call.ts";
import type { Reply } from "./reply.ts";
import { route } from "./route.ts";
import { failedFrame } from "./streams.ts";
import { webSocketHead } from "./websocket.ts";

const CONDITIONS: readonly string[] = ["not-running", "next-exit", "removed"] satisfies WaitCondition[];

/**
 * The 200 goes out as soon as the wait is registered, long before there is anything to say: `docker run` starts the
 * container only when it has seen it (moby container_routes.go, postContainersWait).
 */
async function wait(call: Call): Promise<Reply> {
  const condition = waitCondition(call.query.text("condition"));
  const exit = call.engine.containers.wait(call.parameter("id"), condition, call.signal);
  // One turn of the event loop: a container that does not exist has been refused by then.
  await Promise.race([exit, new Promise(setImmediate)]);
  return { kind: "stream", contentType: "application/json", source: oneLine(exit), begin: "now" };
}

async function* oneLine(value: Promise<unknown>): AsyncGenerator<string> {
  yield `${JSON.stringify(await value)}\n`;
}

function waitCondition(given = "not-running"): WaitCondition {
  if (CONDITIONS.includes(given)) return given as WaitCondition;
  throw new BerthError("invalid", `invalid condition: ${JSON.stringify(given)}`);
}

async function logs(call: Call): Promise<Reply> {
  const { query } = call;
  const options = {
    stdout: query.flag("stdout"),
    stderr: query.flag("stderr"),
    follow: query.flag("follow"),
    timestamps: query.flag("timestamps"),
    since: query.text("since"),
    until: query.text("until"),
    tail: query.text("tail"),
  };
  if (!options.stdout && !options.stderr)
    throw new BerthError("invalid", "Bad parameters: you must choose at least one stream");
  const { tty, stream } = await call.engine.containers.logs(call.parameter("id"), options, call.signal);
  const contentType = streamType(call, tty);
  return { kind: "stream", contentType, source: stream, begin: "now", ...(!tty && { failed: failedFrame }) };
}

async function attach(call: Call): Promise<Reply> {
  const options = attachOptions(call);
  const attachment = await call.engine.containers.attach(call.parameter("id"), options, call.signal);
  const { tty } = attachment;
  return {
    kind: "hijack",
    attachment,
    contentType: call.request.headers.upgrade === undefined ? RAW_STREAM : streamType(call, tty),
    stdin: options.stdin && options.stream,
  };
}

async function attachWebSocket(call: Call): Promise<Reply> {
  const head = webSocketHead(call.request);
  const options = attachOptions(call);
  const attachment = await call.engine.containers.attach(call.parameter("id"), options, call.signal);
  return { kind: "websocket", head, attachment, stdin: options.stdin && options.stream };
}

function attachOptions({ query }: Call): AttachOptions {
  return {
    stdin: query.flag("stdin"),
    stdout: query.flag("stdout"),
    stderr: query.flag("stderr"),
    stream: query.flag("stream"),
    logs: query.flag("logs"),
    detachKeys: query.text("detachKeys"),
  };
}

/** Frames have a name of their own since 1.42. */
export function streamType(call: Call, tty: boolean): string {
  return !tty && call.since("1.42") ? MULTIPLEXED_STREAM : RAW_STREAM;
}

const ATTACH = ["detachKeys", "logs", "stream", "stdin", "stdout", "stderr"];
const LOGS = ["follow", "stdout", "stderr", "since", "until", "timestamps", "tail"];

export const containerStreamRoutes = [
  route("POST", "/containers/{id}/wait", wait, { query: ["condition"] }),
  route("GET", "/containers/{id}/logs", logs, { query: LOGS, refused: ["details"] }),
  route("POST", "/containers/{id}/attach", attach, { query: ATTACH }),
  route("GET", "/containers/{id}/attach/ws", attachWebSocket, { query: ATTACH }),
];
