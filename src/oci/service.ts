/**
 * The runtime's commands, performed by the engine in the name of processes that ask for it (native/shim/front.c): what costs a command most,
 * the start of Bun and the first pass through our own code, has happened long ago. Nothing else changes: the container is the caller's
 * child, and its state is where the command puts it.
 */
import { rmSync, statSync } from "node:fs";
import { probeFeatures } from "../kernel/features.ts";
import { capget } from "../kernel/processes.ts";
import { BerthError } from "../lib/error.ts";
import type { Log } from "../lib/log.ts";
import { Outbox } from "../lib/outbox.ts";
import * as protocol from "./front-protocol.ts";

export interface ServiceOptions {
  /** The engine's run directory. */
  readonly run: string;
  readonly build: string;
  readonly log: Log;
  /** Called when the last connection is gone. */
  readonly onIdle?: () => void;
}

/** Only root may connect. */
const SOCKET_UMASK = 0o177;
/** As long as requests of the API have. */
const GRACE_MS = 5_000;

/** Listens until it is disposed of; commands at work get some time to end. What an engine before us has left there is replaced. */
export function serveCommands(options: ServiceOptions): AsyncDisposable {
  const path = `${options.run}/${protocol.FRONT_SOCKET}`;
  const service = new Service(options);
  rmSync(path, { force: true });
  const umask = process.umask(SOCKET_UMASK);
  try {
    const listener = Bun.listen<Connection>({
      unix: path,
      socket: {
        open: (socket) => void (socket.data = service.open(socket)),
        data: ({ data }, chunk) => data.take(chunk),
        drain: ({ data }) => data.drained(),
        close: ({ data }) => data.closed(),
      },
    });
    return {
      async [Symbol.asyncDispose]() {
        listener.stop();
        rmSync(path, { force: true });
        await Promise.race([service.rest(), Bun.sleep(GRACE_MS)]);
        listener.stop(true);
      },
    };
  } finally {
    process.umask(umask);
  }
}

/** What all connections share. */
export class Service {
  readonly log: Log;
  readonly #options: ServiceOptions;
  /** Shims that have been asked for and have not called yet. */
  readonly #launches = new Map<bigint, (control: Connection) => void>();
  readonly #commands = new Set<Promise<void>>();
  #connections = 0;
  #tokens = 0n;
  #greeting: Uint8Array | undefined;

  constructor(options: ServiceOptions) {
    this.#options = options;
    this.log = options.log;
  }

  open(socket: Bun.Socket<Connection>): Connection {
    this.#connections += 1;
    return new Connection(this, socket);
  }

  closed(): void {
    this.#connections -= 1;
    if (this.#connections === 0) this.#options.onIdle?.();
  }

  /** Resolves when no command is at work. */
  async rest(): Promise<void> {
    await Promise.allSettled(this.#commands);
  }

  /** All that it needs is loaded by the first. */
  async perform(body: Buffer, connection: Connection): Promise<void> {
    const { performCall } = await import("./front.ts");
    const command = performCall(protocol.decodeCall(body), connection, this);
    this.#commands.add(command);
    await command.finally(() => this.#commands.delete(command));
  }

  get greeting(): Uint8Array {
    return (this.#greeting ??= protocol.greeting(this.#options.build, ourFacts()));
  }

  /** A name for a launch, and the control connection that will come under it. */
  expect(): { readonly token: bigint; readonly control: Promise<Connection> } {
    const { promise, resolve } = Promise.withResolvers<Connection>();
    const token = ++this.#tokens;
    this.#launches.set(token, resolve);
    return { token, control: promise };
  }

  forget(token: bigint): void {
    this.#launches.delete(token);
  }

  /** To whoever expects it; nobody else has a use for it. */
  hand(token: bigint, control: Connection): void {
    const take = this.#launches.get(token);
    this.#launches.delete(token);
    if (take === undefined) control.end();
    else take(control);
  }
}

/** A front, or a shim that a front has started. */
export class Connection {
  readonly #service: Service;
  readonly #socket: Bun.Socket<Connection>;
  readonly #outbox: Outbox;
  readonly #reader = new protocol.FrameReader();
  /** Of a shim: what it says is not ours to take apart. */
  #chunks: Chunks | undefined;
  #launched: PromiseWithResolvers<number> | undefined;

  constructor(service: Service, socket: Bun.Socket<Connection>) {
    this.#service = service;
    this.#socket = socket;
    this.#outbox = new Outbox(socket);
  }

  send(bytes: Uint8Array): void {
    this.#outbox.send(bytes);
  }

  end(): void {
    this.#socket.terminate();
  }

  /** What a shim says until it is gone. */
  get chunks(): AsyncIterable<Uint8Array> {
    return (this.#chunks ??= new Chunks());
  }

  /** The pid of the shim that the front has been told to start, or a negative errno. Throws where the front is gone. */
  launched(): Promise<number> {
    this.#launched = Promise.withResolvers();
    return this.#launched.promise;
  }

  take(chunk: Uint8Array): void {
    if (this.#chunks !== undefined) return this.#chunks.push(chunk);
    try {
      this.#reader.push(chunk);
      for (let said = this.#reader.next(); said !== undefined; said = this.#reader.next()) this.#hear(said);
    } catch {
      this.end(); // it does not speak our language
    }
  }

  drained(): void {
    this.#outbox.flush();
  }

  closed(): void {
    this.#chunks?.end();
    this.#launched?.reject(new BerthError("unavailable", "the caller has gone"));
    this.#service.closed();
  }

  #hear({ type, body }: protocol.Frame): void {
    if (type === protocol.FRONT_HELLO) this.send(this.#service.greeting);
    if (type === protocol.FRONT_CALL) void this.#service.perform(body, this).catch(() => this.end()); // no call that makes sense
    if (type === protocol.FRONT_LAUNCHED) this.#launched?.resolve(body.readInt32LE(0));
    if (type !== protocol.FRONT_CONTROL) return;
    this.#chunks = new Chunks();
    if (this.#reader.rest.length > 0) this.#chunks.push(this.#reader.rest);
    this.#service.hand(body.readBigUInt64LE(0), this);
  }
}

/** What has come and nobody has taken yet. */
class Chunks {
  #waiting: Uint8Array[] = [];
  #ended = false;
  #wake: (() => void) | undefined;

  /** A copy: the socket uses its buffer again. */
  push(chunk: Uint8Array): void {
    this.#waiting.push(Uint8Array.from(chunk));
    this.#wake?.();
  }

  end(): void {
    this.#ended = true;
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    for (;;) {
      yield* this.#waiting.splice(0);
      if (this.#waiting.length > 0) continue;
      if (this.#ended) return;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }
}

/** By which a front sees whether it is where we are, in native/front.h's order. */
function ourFacts(): bigint[] {
  const namespaces = protocol.FRONT_NAMESPACES.map(
    (name) => statSync(`/proc/self/ns/${name}`, { bigint: true, throwIfNoEntry: false })?.ino ?? 0n,
  );
  const { dev, ino } = statSync("/", { bigint: true });
  return [...namespaces, dev, ino, probeFeatures().boundingSet, capget()];
}
