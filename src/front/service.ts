/**
 * Commands that the engine performs in the name of processes that ask for it (native/shim/front.c): what costs a command most, the start
 * of Bun and the first pass through our own code, has happened long ago.
 */
import { closeSync, openSync, readFileSync, rmSync, statSync } from "node:fs";
import { probeFeatures } from "../kernel/features.ts";
import { capget } from "../kernel/processes.ts";
import { Elsewhere } from "../lib/elsewhere.ts";
import type { Visits } from "../lib/idle.ts";
import type { Log } from "../lib/log.ts";
import { waitAtMost } from "../lib/patience.ts";
import { Connection, type Host } from "./connection.ts";
import { Front } from "./front.ts";
import { Launches } from "./launches.ts";
import * as protocol from "./protocol.ts";

export interface ServiceOptions {
  /** The engine's run directory. */
  readonly run: string;
  readonly build: string;
  readonly log: Log;
  /** Performs the command of a front and answers its exit code. Throws Elsewhere where the front must do it itself. */
  perform(front: Front): Promise<number>;
  /** Told of each connection. */
  readonly visits?: Visits;
}

/** Only root may connect. */
const SOCKET_UMASK = 0o177;
/** As long as requests of the API have. */
const GRACE_MS = 5_000;

const BUG = 125;

export class Service implements Host, AsyncDisposable {
  readonly #options: ServiceOptions;
  readonly #launches = new Launches();
  readonly #commands = new Set<Promise<void>>();
  #listener: Bun.UnixSocketListener<Connection> | undefined;
  #ending = false;
  #greeting: Uint8Array | undefined;

  constructor(options: ServiceOptions) {
    this.#options = options;
  }

  /** What an engine before us has left there is replaced. */
  listen(): void {
    rmSync(this.#path, { force: true });
    const umask = process.umask(SOCKET_UMASK);
    try {
      this.#listener = Bun.listen<Connection>({
        unix: this.#path,
        socket: {
          open: (socket) => void (socket.data = this.#open(socket)),
          data: ({ data }, chunk) => data.take(chunk),
          drain: ({ data }) => data.drained(),
          close: ({ data }) => data.closed(),
        },
      });
    } finally {
      process.umask(umask);
    }
  }

  /** Commands that come now are performed by their own processes; the shims of those at work are still listened to. */
  takeNoMore(): void {
    this.#ending = true;
  }

  /** Commands at work get some time to end. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.takeNoMore();
    await waitAtMost(GRACE_MS, Promise.allSettled(this.#commands));
    if (this.#listener === undefined) return;
    rmSync(this.#path, { force: true });
    this.#listener.stop(true);
  }

  get #path(): string {
    return `${this.#options.run}/${protocol.FRONT_SOCKET}`;
  }

  #open(socket: Bun.Socket<Connection>): Connection {
    this.#options.visits?.came();
    return new Connection(this, socket);
  }

  closed(): void {
    this.#options.visits?.went();
  }

  get greeting(): Uint8Array {
    return (this.#greeting ??= protocol.greeting(this.#options.build, ourFacts()));
  }

  perform(body: Buffer, connection: Connection): Front {
    const front = new Front(protocol.decodeCall(body), connection, this.#launches);
    const command = this.#perform(front).finally(() => this.#commands.delete(command));
    this.#commands.add(command);
    return front;
  }

  async #perform(front: Front): Promise<void> {
    try {
      if (this.#ending || !front.call.readable) throw new Elsewhere();
      await front.end(await this.#options.perform(front));
    } catch (error) {
      if (error instanceof Elsewhere) return front.goAlone();
      this.#options.log("error", "a command failed that was performed for another process", {
        error: error instanceof Error ? (error.stack ?? error.message) : String(error),
      });
      front.print(2, `berth: this is a bug in berth, and stands in the engine's log: ${String(error)}\n`);
      await front.end(BUG);
    }
  }

  hand(token: bigint, control: Connection): void {
    this.#launches.hand(token, control);
  }
}

/** By which a front sees whether it is where we are, in native/front.h's order. */
function ourFacts(): bigint[] {
  const namespaces = protocol.FRONT_NAMESPACES.map(
    (name) => statSync(`/proc/self/ns/${name}`, { bigint: true, throwIfNoEntry: false })?.ino ?? 0n,
  );
  const { dev, ino } = statSync("/", { bigint: true });
  const { boundingSet } = probeFeatures();
  const status = readFileSync("/proc/self/status", "utf8");
  const field = (name: string) => BigInt(new RegExp(`^${name}:\\s*(\\d+)`, "m").exec(status)?.[1] ?? 0);
  const restrictions = [field("NoNewPrivs"), field("Seccomp"), BigInt(process.umask())];
  return [...namespaces, dev, ino, mountOfRoot(), boundingSet, capget(), ...restrictions];
}

function mountOfRoot(): bigint {
  const root = openSync("/", "r");
  try {
    return BigInt(/^mnt_id:\s*(\d+)/m.exec(readFileSync(`/proc/self/fdinfo/${root}`, "utf8"))?.[1] ?? 0);
  } finally {
    closeSync(root);
  }
}
