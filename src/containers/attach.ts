/** `attach` and `logs`: what a process says, from now on or from the beginning. */
import { BerthError } from "../lib/error.ts";
import { DEFAULT_DETACH_KEYS, parseDetachKeys } from "../lib/detach.ts";
import { parseTimestamp } from "../lib/time.ts";
import { CLIENTS_LIMIT } from "../runtime/protocol.ts";
import type { ProcessHandle } from "../runtime/runtime.ts";
import { PendingAttachment, type Streams, withDetachKeys } from "./attachment.ts";
import type { Container } from "./container.ts";
import { type LogQuery, type More, parseLogOptions, readFollowed, readLog } from "./logs.ts";
import type { Parts } from "./parts.ts";
import { logPath } from "./places.ts";
import type { Attachment, AttachOptions, LogOptions, LogStream } from "./requests.ts";

/** To a container that does not run: connected when it starts. */
export async function attachContainer(
  parts: Parts,
  container: Container,
  options: AttachOptions,
  signal: AbortSignal,
): Promise<Attachment> {
  requireAttachable(container);
  requireRoom(container);
  const keys = parseDetachKeys(options.detachKeys || DEFAULT_DETACH_KEYS);
  const history = options.logs ? historyOf(parts, container, options) : undefined;
  const live = await connect(container, streamsOf(container, options), signal);
  parts.events.container(container, "attach");
  const attachment = history === undefined ? live : { ...asObject(live), output: history(live.output) };
  if (!live.tty) return attachment;
  return withDetachKeys(attachment, keys, () => parts.events.container(container, "detach"));
}

function requireAttachable({ id, state }: Container): void {
  if (state.status === "paused")
    throw new BerthError("conflict", `container ${id} is paused, unpause the container before attach`);
  if (state.status === "removing") throw new BerthError("conflict", `container ${id} is being removed`);
}

/** A shim serves so many and no more. */
function requireRoom({ id, handle, pending }: Container): void {
  if ((handle?.clients ?? pending.size) < CLIENTS_LIMIT) return;
  throw new BerthError(
    "conflict",
    `container ${id} has ${CLIENTS_LIMIT} clients attached, which is the limit: disconnect one first`,
  );
}

/** Without `stream` nothing is connected. Stdin only where the container was made for it. */
function streamsOf({ spec }: Container, options: AttachOptions): Streams | undefined {
  if (!options.stream) return undefined;
  const { stdout, stderr } = options;
  return { stdin: options.stdin && (spec.config.OpenStdin ?? false), stdout, stderr };
}

async function connect(
  container: Container,
  streams: Streams | undefined,
  signal: AbortSignal,
): Promise<Attachment> {
  const tty = container.spec.config.Tty ?? false;
  const attachment = new PendingAttachment(tty, streams ?? { stdin: false, stdout: false, stderr: false });
  signal.addEventListener("abort", () => leave(container, attachment), { once: true });
  if (streams === undefined) attachment.cancel();
  else if (container.handle === undefined) container.pending.add(attachment);
  else attachment.connect(await container.handle.attach(streams));
  if (signal.aborted) leave(container, attachment);
  return attachment;
}

function leave(container: Container, attachment: PendingAttachment): void {
  container.pending.delete(attachment);
  attachment.close();
}

function asObject(attachment: Attachment): Omit<Attachment, "output"> {
  return {
    tty: attachment.tty,
    write: (bytes) => attachment.write(bytes),
    closeInput: () => attachment.closeInput(),
    close: () => attachment.close(),
  };
}

/** All that was said before, and then what is said: read from the log, where each byte is once. `live` says when there is more. */
function historyOf(
  parts: Parts,
  container: Container,
  options: AttachOptions,
): (live: AsyncIterable<Uint8Array>) => AsyncIterable<Uint8Array> {
  requireLog(container);
  const query = parseLogOptions(
    { ...options, follow: true, timestamps: false },
    container.spec.config.Tty ?? false,
  );
  return (live) => readLog(logPath(parts.places, container.id), query, drained(live));
}

function requireLog({ spec }: Container): void {
  if (spec.hostConfig.LogConfig?.Type !== "none") return;
  throw new BerthError("unsupported", "configured logging driver does not support reading");
}

/** The output itself tells when the log has grown: the shim writes the log first. No file is watched, nothing is polled. */
export function drained(output: AsyncIterable<Uint8Array>): More {
  let said = Promise.withResolvers<void>();
  let going = true;
  void (async () => {
    try {
      for await (const _ of output) said.resolve();
    } finally {
      going = false;
      said.resolve();
    }
  })().catch(() => {});
  return async () => {
    await said.promise;
    if (going) said = Promise.withResolvers<void>();
    return going;
  };
}

export async function containerLogs(
  parts: Parts,
  container: Container,
  options: LogOptions,
  signal: AbortSignal,
): Promise<LogStream> {
  requireLog(container);
  const tty = container.spec.config.Tty ?? false;
  const query = parseLogOptions(options, tty);
  const { handle } = container;
  const path = logPath(parts.places, container.id);
  if (!options.follow || handle === undefined)
    return { tty, stream: readLog(path, query, async () => false) };
  requireRoom(container);
  return { tty, stream: await follow(path, handle, query, signal) };
}

/** For as long as the process runs, the client is there, and `until` has not come. */
async function follow(
  path: string,
  handle: ProcessHandle,
  query: LogQuery,
  signal: AbortSignal,
): Promise<AsyncIterable<Uint8Array>> {
  const follower = await handle.follow();
  const stream = follower ?? (await handle.attach({ stdin: false, stdout: true, stderr: true }));
  const stop = () => stream.close();
  signal.addEventListener("abort", stop, { once: true });
  if (signal.aborted) stop();
  if (query.until !== undefined) closeAt(query.until, stop, handle.exited);
  return "entries" in stream
    ? readFollowed(path, query, stream)
    : readLog(path, query, drained(stream.output));
}

function closeAt(time: bigint, stop: () => void, over: Promise<unknown>): void {
  const now = parseTimestamp(String(Date.now() / 1000)) ?? 0n;
  const timer = setTimeout(stop, Math.max(0, Number((time - now) / 1_000_000n)));
  timer.unref();
  void over.then(() => clearTimeout(timer));
}
