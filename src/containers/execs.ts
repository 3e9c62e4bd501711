/** Processes that join a running container: what the API's /exec can ask. */
import { processState } from "../kernel/processes.ts";
import { DEFAULT_DETACH_KEYS, parseDetachKeys } from "../lib/detach.ts";
import { BerthError } from "../lib/error.ts";
import { step } from "../lib/failpoint.ts";
import { newId } from "../lib/id.ts";
import type { ExitRecord, ProcessHandle, ProcessIdentity } from "../runtime/runtime.ts";
import { execPaused, notRunning } from "../wire/messages.ts";
import type { ExecConfig, ExecInspectResponse, ExecStartConfig } from "../wire/requests.ts";
import type { IDResponse } from "../wire/schema.ts";
import { PendingAttachment, withDetachKeys } from "./attachment.ts";
import type { Container } from "./container.ts";
import { type Exec, inspectExec } from "./exec.ts";
import { toExecLaunch } from "./exec-launch.ts";
import type { ExecTable } from "./exec-table.ts";
import { ownLaunch } from "./own-launch.ts";
import type { Parts } from "./parts.ts";
import { execDirectory } from "./places.ts";
import type { Attachment, ExplainFormat } from "./requests.ts";
import { explainExecFailure } from "./start-failure.ts";
import { requireRunning } from "./stop.ts";
import { overrideEnvironment } from "./spec.ts";

export class Execs {
  readonly #parts: Parts;
  readonly #table: ExecTable;

  constructor(parts: Parts, table: ExecTable) {
    this.#parts = parts;
    this.#table = table;
  }

  async create(ref: string, config: ExecConfig): Promise<IDResponse> {
    const container = this.#parts.registry.get(ref);
    requireExecutable(container);
    verifyExec(config);
    const exec: Exec = { id: newId(), container, config, state: { status: "created" } };
    this.#table.add(exec);
    this.#event(exec, `exec_create: ${commandText(config)}`);
    return { Id: exec.id };
  }

  /** Undefined when detached. A command that cannot be run throws command_not_found or command_not_executable. */
  async start(id: string, options: ExecStartConfig, signal?: AbortSignal): Promise<Attachment | undefined> {
    const exec = this.#table.get(id);
    requireStartable(exec);
    const target = requireExecutable(exec.container);
    const attachment = options.Detach ? undefined : attachmentOf(exec);
    exec.state = { status: "starting" };
    try {
      await this.#launch(exec, options, attachment);
    } catch (error) {
      throw this.#failed(exec, attachment, endOf(exec.container, target) ?? error);
    }
    if (attachment === undefined) return undefined;
    signal?.addEventListener("abort", () => attachment.close(), { once: true });
    if (signal?.aborted) attachment.close();
    if (!exec.config.Tty) return attachment;
    const keys = parseDetachKeys(exec.config.DetachKeys || DEFAULT_DETACH_KEYS);
    return withDetachKeys(attachment, keys, () => this.#event(exec, "exec_detach"));
  }

  async #launch(
    exec: Exec,
    options: ExecStartConfig,
    attachment: PendingAttachment | undefined,
  ): Promise<void> {
    await using undo = new AsyncDisposableStack();
    this.#table.record(exec);
    step();
    const runtime = this.#parts.runtimes.of(exec.container.spec);
    const handle = await runtime.exec(this.#toLaunch(exec, options, attachment !== undefined));
    undo.defer(() => handle.release());
    step();
    if (attachment !== undefined) attachment.connect(await handle.attach(attachment.streams));
    this.#event(exec, `exec_start: ${commandText(exec.config)}`);
    await handle.start();
    undo.move();
    this.adopt(exec, handle);
  }

  /** Looks after a process that runs; recovery calls it too. */
  adopt(exec: Exec, handle: ProcessHandle): void {
    exec.state = { status: "running", handle };
    void handle.exited.then(async (exit) => {
      if (this.#parts.closing.aborted) return;
      this.ended(exec, exit, handle.pid);
      await handle
        .release()
        .catch((error: unknown) =>
          this.#parts.log("warn", "something of an exec is left", { exec: exec.id, error: String(error) }),
        );
    });
  }

  /** Notes the exit code, also for the next engine. */
  ended(exec: Exec, { exitCode, error }: Pick<ExitRecord, "exitCode" | "error">, pid: number): void {
    exec.state = { status: "exited", exitCode, pid };
    this.#table.ended(exec);
    if (this.#parts.registry.byId(exec.container.id) === undefined)
      return this.#table.forgetContainer(exec.container);
    this.#table.record(exec);
    step();
    this.#event(exec, "exec_die", { exitCode: String(exitCode), ...(error === undefined ? {} : { error }) });
  }

  /** An engine before this one has seen the end and told everybody. */
  remember(exec: Exec, exitCode: number): void {
    exec.state = { status: "exited", exitCode, pid: 0 };
    this.#table.ended(exec);
  }

  #failed(exec: Exec, attachment: PendingAttachment | undefined, error: unknown): unknown {
    const { exitCode, error: explained } = explainExecFailure(error, exec.config.Cmd?.[0] ?? "");
    attachment?.close();
    this.ended(exec, { exitCode: exitCode === 128 ? 126 : exitCode }, 0); // moby daemon/exec.go: 126 for whatever else goes wrong
    return explained;
  }

  #toLaunch({ id, container, config }: Exec, options: ExecStartConfig, waitForStart: boolean) {
    const [height = 0, width = 0] = options.ConsoleSize ?? config.ConsoleSize ?? [];
    return toExecLaunch(container.spec, config, {
      id,
      target: requireRunning(container),
      container: ownLaunch(this.#parts, container),
      runDirectory: execDirectory(this.#parts.places, id),
      waitForStart,
      ...(height > 0 ? { consoleSize: { height, width } } : {}),
    });
  }

  /** Who asks because the output has ended hears of the end. */
  async inspect(id: string): Promise<ExecInspectResponse> {
    const exec = this.#table.get(id);
    if (exec.state.status === "running") await exec.state.handle.judged();
    return inspectExec(exec);
  }

  async resize(id: string, height: number, width: number): Promise<void> {
    const { state } = this.#table.get(id);
    if (state.status !== "running") throw new BerthError("conflict", `exec ${id} is not running`);
    await state.handle.resize(height, width);
  }

  /** The plan that start() would perform. */
  async explain(ref: string, config: ExecConfig, format: ExplainFormat): Promise<string> {
    const container = this.#parts.registry.get(ref);
    requireExecutable(container);
    verifyExec(config);
    const exec: Exec = { id: newId(), container, config, state: { status: "created" } };
    const { explainPlan } = await import("../runtime/explain.ts"); // nobody else pays for it
    return explainPlan(
      this.#parts.runtimes.of(container.spec).execPlan(this.#toLaunch(exec, {}, false)),
      format,
    );
  }

  #event({ id, container }: Exec, action: string, more: Readonly<Record<string, string>> = {}): void {
    this.#parts.events.container(container, action, { execID: id, ...more });
  }
}

function requireExecutable(container: Container): ProcessIdentity {
  const handle = requireRunning(container);
  if (container.state.status === "paused") throw new BerthError("conflict", execPaused(container.id));
  return handle;
}

/** Why nothing can be executed in it any more, whatever the kernel has said to that: it may have ended before its shim could tell. */
function endOf({ id }: Container, { pid, startTime }: ProcessIdentity): BerthError | undefined {
  return processState(pid, startTime) === "alive" ? undefined : new BerthError("conflict", notRunning(id));
}

function requireStartable({ id, state }: Exec): void {
  if (state.status === "created") return;
  const words = state.status === "exited" ? `exec ${id} has already run` : `exec ${id} is already running`;
  throw new BerthError("conflict", words);
}

function verifyExec(config: ExecConfig): void {
  const [command] = config.Cmd ?? [];
  if (command === undefined) throw new BerthError("invalid", "No exec command specified");
  overrideEnvironment([], config.Env ?? []);
  for (const text of [...(config.Cmd ?? []), ...(config.Env ?? [])])
    if (text.includes("\0"))
      throw new BerthError("invalid", "a command or variable must not have a NUL in it");
  if (config.DetachKeys) parseDetachKeys(config.DetachKeys);
}

function attachmentOf({ config }: Exec): PendingAttachment {
  const { AttachStdin, AttachStdout, AttachStderr } = config;
  return new PendingAttachment(config.Tty ?? false, {
    stdin: AttachStdin ?? false,
    stdout: AttachStdout ?? false,
    stderr: AttachStderr ?? false,
  });
}

function commandText({ Cmd }: ExecConfig): string {
  return (Cmd ?? []).join(" ");
}
