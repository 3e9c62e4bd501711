/** A process under a shim, as the engine holds it: from the clone to the exit record. */
import { errnoText } from "../kernel/errno.ts";
import { hasErrno } from "../kernel/error.ts";
import { killDescendants, startTime } from "../kernel/processes.ts";
import { BerthError } from "../lib/error.ts";
import { waitAtMost } from "../lib/patience.ts";
import { openAttachment, openFollower, withSocketPath } from "./attach.ts";
import { Control, type Place } from "./control.ts";
import { exitCodeOf, type Failure, startError, warningText } from "./failure.ts";
import {
  helloFrame,
  hooksDoneFrame,
  resizeFrame,
  type ShimMessage,
  signalFrame,
  startFrame,
} from "./frames.ts";
import type { Op } from "./op.ts";
import { EXITED_OOM_KILLED, PHASE_CLONED, PHASE_EXITED, PHASE_READY, PHASE_RUNNING } from "./protocol.ts";
import { lostFromLog, readExit } from "./records.ts";
import type { AttachStream, ExitRecord, LogFollower, ProcessHandle, ProcessIdentity } from "./runtime.ts";

/** The first version of shims that has ATTACH_LOG. */
const FOLLOW_VERSION = 2;
/** A connection that ends sooner counts as refused. So many in a row, each a little later, and the shim is not asked any more. */
const LASTED_MS = 1000;
const REFUSALS_LIMIT = 5;
const REFUSED_MS = 10;
const KILL_AGAIN_MS = 50;
/** A shim that is there answers sooner. */
const ANSWER_MS = 1000;
const SIGKILL = 9;
const ENOENT = 2;
const ESRCH = 3;
const ECONNREFUSED = 111;

/** How long whoever makes a process may take over it, and over its start, until it is killed. */
export interface Patience {
  readonly timeoutMs: number;
  overdue(): BerthError;
}

export interface SupervisedOptions {
  readonly runDirectory: string;
  /** Empty for an adopted process. */
  readonly ops: readonly Op[];
  /** Absent: it takes its time. */
  readonly patience?: Patience | undefined;
  /** Called once the program runs at our word; what it throws start() throws. */
  started?(process: Supervised): Promise<void>;
  /** Called when the shim is gone without an exit record; answers what is to be believed. */
  lost(process: Supervised): Promise<ExitRecord>;
  /** Called once, when nobody needs the process any more. */
  remove(process: Supervised): Promise<void>;
}

export class Supervised implements ProcessHandle {
  pid = 0;
  startTime = 0n;
  startedAt?: bigint | undefined;
  readonly warnings: string[] = [];
  readonly exited: Promise<ExitRecord>;
  readonly #options: SupervisedOptions;
  readonly #exited = Promise.withResolvers<ExitRecord>();
  readonly #cloned = Promise.withResolvers<ProcessIdentity>();
  readonly #atHooks = Promise.withResolvers<void>();
  readonly #ready = Promise.withResolvers<void>();
  readonly #running = Promise.withResolvers<void>();
  readonly #attached = new Set<AttachStream>();
  #control: Control | undefined;
  /** Whether there is a shim to talk to: not decided while we connect to it again. */
  #connected = Promise.resolve(true);
  /** Done when what follows from the last loss of the connection is done. */
  #verdict = Promise.resolve();
  /** Connections in a row that have ended soon, or have not come to be. */
  #refusals = 0;
  #shim: ProcessIdentity | undefined;
  /** What its shim speaks; it may be older than this engine, or newer. */
  #version = 0;
  /** Start was said; once is enough. */
  #started: Promise<void> | undefined;
  #settled = false;
  #ran = false;
  #disconnected = false;
  /** Why we have killed it before it ran. */
  #overdue: BerthError | undefined;
  #removed: Promise<void> | undefined;

  private constructor(options: SupervisedOptions) {
    this.#options = options;
    this.exited = this.#exited.promise;
    for (const { promise } of this.#milestones) promise.catch(() => undefined); // whoever asks will hear it
  }

  /** Resolves when the process exists; throws why it does not. */
  static async open(place: Place, options: SupervisedOptions): Promise<Supervised> {
    const process = new Supervised(options);
    await process.#connect(place);
    process.#limit(process.cloned);
    return process;
  }

  async #connect(place: Place): Promise<void> {
    const opened = performance.now();
    this.#control = await Control.open(place, {
      message: (message) => this.#hear(message),
      closed: () => {
        if (performance.now() - opened > LASTED_MS) this.#refusals = 0;
        this.#verdict = this.#gone();
      },
    });
  }

  /** Resolves when the process and its namespaces exist. */
  get cloned(): Promise<ProcessIdentity> {
    return this.#cloned.promise;
  }

  /** Resolves when it waits for the hooks outside; openHooks() lets it go on. */
  get atHooks(): Promise<void> {
    return this.#atHooks.promise;
  }

  /** Resolves when all but the program is there. */
  get ready(): Promise<void> {
    return this.#ready.promise;
  }

  /** Whether the program was ever started. */
  get ran(): boolean {
    return this.#ran;
  }

  get alive(): boolean {
    return !this.#settled;
  }

  /** Why the start failed, once the process has come to its end; undefined where no operation of the plan did. */
  async failure(): Promise<BerthError | undefined> {
    const { failure } = await this.exited;
    return this.#overdue ?? (failure && startError(this.#options.ops, failure));
  }

  send(frame: Uint8Array): void {
    this.#control?.send(frame);
  }

  openHooks(): void {
    this.send(hooksDoneFrame());
  }

  start(): Promise<void> {
    return (this.#started ??= this.#start());
  }

  async signal(signal: number): Promise<void> {
    if (this.#settled) throw new BerthError("not_found", `process ${this.pid} has ended`);
    const again = signal === SIGKILL; // nobody notices whether it came once or twice
    await this.#ask(signalFrame(signal), `send signal ${signal} to process ${this.pid}`, { again });
  }

  /** What its shim has said before it answers is heard before. One that is stuck holds up nobody. */
  async judged(): Promise<void> {
    if (this.#settled) return;
    const answered = this.#ask(signalFrame(0), "look after", { again: true }).catch(() => undefined);
    await waitAtMost(
      ANSWER_MS,
      answered.then(() => this.#verdict),
    );
  }

  async resize(rows: number, columns: number): Promise<void> {
    const what = `resize the terminal of process ${this.pid}`;
    await this.#ask(resizeFrame(rows, columns), what, { again: true });
  }

  /** `again`: it may be asked twice, where a connection has ended before the answer came. */
  async #ask(frame: Uint8Array, what: string, { again }: { again: boolean }): Promise<void> {
    while (await this.#connected) {
      const errno = await this.#control?.ask(frame);
      if (errno === 0) return;
      if (errno !== undefined)
        throw new BerthError(errno === ESRCH ? "not_found" : "internal", `${what}: ${errnoText(errno)}`);
      if (!again && (await this.#connected))
        throw new BerthError("internal", `${what}: its shim has hung up, and may have done it or not`);
    }
    throw new BerthError("not_found", `${what}: ${errnoText(ESRCH)}`);
  }

  async attach(streams: { stdin: boolean; stdout: boolean; stderr: boolean }): Promise<AttachStream> {
    return await openAttachment(this.#options.runDirectory, streams, this.#attached);
  }

  async follow(): Promise<LogFollower | undefined> {
    if (this.#version < FOLLOW_VERSION) return undefined;
    return await openFollower(this.#options.runDirectory, this.#attached);
  }

  get clients(): number {
    return this.#attached.size;
  }

  release(): Promise<void> {
    return (this.#removed ??= this.#options.remove(this));
  }

  /** We hear no more of it, and it goes on; at the barrier its shim gives it up. */
  disconnect(): void {
    this.#disconnected = true;
    this.#hangUp();
  }

  async #start(): Promise<void> {
    if (!this.#settled) this.send(startFrame());
    this.#limit(this.#running.promise);
    await this.#running.promise;
    await this.#options.started?.(this);
  }

  /** Ends all that it comes from if it takes too long: the runtime, what that has started, and the process. */
  #limit(milestone: Promise<unknown>): void {
    const { patience } = this.#options;
    if (patience === undefined) return;
    const timer = setTimeout(() => void this.#giveUp(patience.overdue()), patience.timeoutMs);
    const reached = () => clearTimeout(timer);
    milestone.then(reached, reached);
  }

  async #giveUp(error: BerthError): Promise<void> {
    this.#overdue = error;
    this.send(helloFrame()); // a shim whose runtime has made nothing yet has not said who it is
    for (let killed = 1; !this.#isOver || killed > 0;) {
      await Bun.sleep(KILL_AGAIN_MS);
      killed = this.#shim === undefined ? 0 : killDescendants(this.#shim);
    }
  }

  get #milestones(): readonly { promise: Promise<unknown>; reject(reason: unknown): void }[] {
    return [this.#cloned, this.#atHooks, this.#ready, this.#running];
  }

  #hear(message: ShimMessage): void {
    switch (message.type) {
      case "state":
        if (this.#overdue !== undefined) this.#shim = identityOf(message.shimPid);
        if (message.phase < PHASE_CLONED) return;
        this.pid = message.pid;
        this.startTime = message.startTime;
        this.#version = message.version;
        this.#cloned.resolve({ pid: message.pid, startTime: message.startTime });
        this.#ran = message.phase >= PHASE_RUNNING;
        if (message.phase >= PHASE_READY) this.#ready.resolve();
        if (this.#ran) this.#running.resolve();
        if (message.phase === PHASE_EXITED) this.#believeRecord(); // told before we were there to hear it
        return;
      case "barrier":
        return this.#atHooks.resolve();
      case "failed":
        return this.#fail(message);
      case "warning":
        this.warnings.push(warningText(this.#options.ops, message));
        return;
      case "exited": {
        const oomKilled = (message.flags & EXITED_OOM_KILLED) !== 0;
        this.#running.resolve();
        const { exitCode, finishedAt, lostEntries } = message;
        return this.#settle({ exitCode, oomKilled, finishedAt, ...lostFromLog(lostEntries) });
      }
    }
  }

  #fail({ op, errno, object }: Failure): void {
    const error = this.#overdue ?? startError(this.#options.ops, { op, errno, object });
    for (const milestone of this.#milestones) milestone.reject(error);
    const finishedAt = BigInt(Date.now()) * 1_000_000n;
    this.#settle({
      exitCode: exitCodeOf(error),
      oomKilled: false,
      finishedAt,
      failure: { op, errno, object },
    });
  }

  #settle(record: ExitRecord): void {
    this.#settled = true;
    this.#exited.resolve(record);
  }

  /** True where there was one. A shim that came to its end has left it, also of what we did not get to read. */
  #believeRecord(): boolean {
    const record = readExit(this.#options.runDirectory);
    if (record?.failure !== undefined) this.#fail(record.failure);
    else if (record !== undefined) {
      this.#running.resolve();
      this.#settle(record);
    }
    return record !== undefined;
  }

  async #gone(): Promise<void> {
    this.#connected = this.#isOver ? Promise.resolve(false) : this.#connectAgain();
    if ((await this.#connected) || this.#disconnected) return;
    const known = this.#settled || this.#believeRecord();
    const error = new BerthError("internal", `the shim of process ${this.pid} is gone`);
    for (const milestone of this.#milestones) milestone.reject(error);
    if (!known) this.#settle(await this.#options.lost(this));
  }

  get #isOver(): boolean {
    return this.#settled || this.#disconnected;
  }

  /**
   * False where the shim is gone, or as good as gone. One that is there listens, and tells its state to whoever connects; only
   * one that has not been told to start has given its process up.
   */
  async #connectAgain(): Promise<boolean> {
    if (!this.#ran && this.#started === undefined) return false;
    while (!this.#isOver && this.#refusals < REFUSALS_LIMIT) {
      await Bun.sleep(this.#refusals ** 2 * REFUSED_MS);
      this.#refusals += 1;
      if (this.#believeRecord()) return false;
      try {
        await withSocketPath(this.#options.runDirectory, (unix) => this.#connect({ unix }));
        return this.#isOver ? this.#hangUp() : this.#greet();
      } catch (error) {
        if (hasErrno(error, ENOENT, ECONNREFUSED)) return false; // nobody listens there any more
      }
    }
    return false;
  }

  /** A start that was said and not heard is said again: that opens nothing twice. */
  #greet(): true {
    this.send(helloFrame());
    if (!this.#ran) this.send(startFrame());
    return true;
  }

  #hangUp(): false {
    this.#control?.close();
    return false;
  }
}

/** Undefined when it is gone. */
function identityOf(pid: number): ProcessIdentity | undefined {
  const started = startTime(pid);
  return started === undefined ? undefined : { pid, startTime: started };
}
