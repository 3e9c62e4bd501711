/** All containers of an engine: what the API's /containers can ask. Every method is one file's subject. */
import { BerthError } from "../lib/error.ts";
import type { Filters } from "../wire/filters.ts";
import type {
  ContainerCreateRequest,
  ContainersPruneResponse,
  ContainerUpdateRequest,
  PathStat,
  WaitCondition,
} from "../wire/requests.ts";
import type {
  ContainerCreateResponse,
  ContainerInspectResponse,
  ContainerStatsResponse,
  ContainerSummary,
  ContainerTopResponse,
  ContainerUpdateResponse,
  ContainerWaitResponse,
  FilesystemChange,
} from "../wire/schema.ts";
import * as archive from "./archive.ts";
import { attachContainer, containerLogs } from "./attach.ts";
import type { Container } from "./container.ts";
import { createContainer } from "./create.ts";
import type { ExecTable } from "./exec-table.ts";
import { prunePredicate } from "./filter.ts";
import { inspectContainer } from "./inspect.ts";
import { listContainers } from "./list.ts";
import { parseName } from "./names.ts";
import type { Parts } from "./parts.ts";
import { removeContainer } from "./remove.ts";
import type {
  Attachment,
  AttachOptions,
  ExplainFormat,
  ListOptions,
  LogOptions,
  LogStream,
  PutArchiveOptions,
  StatsOptions,
  StopOptions,
} from "./requests.ts";
import { writtenBytes } from "./size.ts";
import { startContainer } from "./start.ts";
import { isRunning, lastExitCode } from "./state.ts";
import { killContainer, pauseContainer, requireRunning, stopContainer, unpauseContainer } from "./stop.ts";
import { containerStats } from "./stats.ts";
import { topContainer } from "./top.ts";
import { updateContainer } from "./update.ts";

export class Containers {
  readonly #parts: Parts;
  readonly #execs: ExecTable;

  constructor(parts: Parts, execs: ExecTable) {
    this.#parts = parts;
    this.#execs = execs;
  }

  #get(ref: string): Container {
    return this.#parts.registry.get(ref);
  }

  #target(ref: string): archive.Target {
    return { container: this.#get(ref), ref };
  }

  async list(options: ListOptions): Promise<ContainerSummary[]> {
    return listContainers(this.#parts, options);
  }

  async create(
    name: string | undefined,
    request: ContainerCreateRequest,
    platform?: string,
  ): Promise<ContainerCreateResponse> {
    return createContainer(this.#parts, name, request, platform);
  }

  async inspect(ref: string, options: { size: boolean }): Promise<ContainerInspectResponse> {
    const container = this.#get(ref);
    return inspectContainer(this.#parts, container, this.#execs.idsOf(container), options);
  }

  async start(ref: string, _options: { detachKeys?: string } = {}): Promise<void> {
    await startContainer(this.#parts, this.#get(ref));
  }

  async stop(ref: string, options: StopOptions): Promise<void> {
    await stopContainer(this.#parts, this.#get(ref), options);
  }

  /** Also of a container that does not run: then it is started. */
  async restart(ref: string, options: StopOptions): Promise<void> {
    const container = this.#get(ref);
    if (container.autoRemove && isRunning(container.state))
      throw new BerthError(
        "unsupported",
        `container ${container.id} removes itself when it is stopped (--rm): it cannot be restarted`,
      );
    if (isRunning(container.state)) await stopContainer(this.#parts, container, options);
    await startContainer(this.#parts, container);
    this.#parts.events.container(container, "restart");
  }

  async kill(ref: string, signal: string | undefined): Promise<void> {
    await killContainer(this.#parts, this.#get(ref), signal);
  }

  async pause(ref: string): Promise<void> {
    await pauseContainer(this.#parts, this.#get(ref));
  }

  async unpause(ref: string): Promise<void> {
    await unpauseContainer(this.#parts, this.#get(ref));
  }

  async rename(ref: string, name: string): Promise<void> {
    const container = this.#get(ref);
    using _held = await container.mutex.lock();
    this.#parts.registry.requireStill(container, ref);
    const chosen = parseName(name);
    if (chosen === container.name)
      throw new BerthError("invalid", "Renaming a container with the same name as its current name");
    const oldName = `/${container.name}`;
    this.#parts.registry.rename(container, chosen);
    this.#parts.events.container(container, "rename", { oldName });
  }

  async remove(ref: string, { force }: { force: boolean; volumes: boolean }): Promise<void> {
    const container = this.#get(ref);
    await removeContainer(this.#parts, container, force);
    this.#execs.forgetContainer(container);
  }

  /** Registered before this returns its promise: a wait that comes before the start sees the exit. */
  wait(ref: string, condition: WaitCondition, signal: AbortSignal): Promise<ContainerWaitResponse> {
    try {
      const container = this.#get(ref);
      if (condition === "not-running" && !isRunning(container.state))
        return Promise.resolve({ StatusCode: lastExitCode(container.state) });
      return container.waiters.add(condition, signal);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  async update(ref: string, request: ContainerUpdateRequest): Promise<ContainerUpdateResponse> {
    return updateContainer(this.#parts, this.#get(ref), request);
  }

  /** Throws at once for a container that is not there. */
  stats(ref: string, options: StatsOptions, signal: AbortSignal): AsyncGenerator<ContainerStatsResponse> {
    return containerStats(this.#parts, this.#get(ref), options, signal);
  }

  async top(ref: string, psArgs: string | undefined): Promise<ContainerTopResponse> {
    return topContainer(this.#parts, this.#get(ref), psArgs);
  }

  async logs(ref: string, options: LogOptions, signal: AbortSignal): Promise<LogStream> {
    return containerLogs(this.#parts, this.#get(ref), options, signal);
  }

  async attach(ref: string, options: AttachOptions, signal: AbortSignal): Promise<Attachment> {
    return attachContainer(this.#parts, this.#get(ref), options, signal);
  }

  async resize(ref: string, height: number, width: number): Promise<void> {
    const container = this.#get(ref);
    await requireRunning(container).resize(height, width);
    this.#parts.events.container(container, "resize", { height: String(height), width: String(width) });
  }

  async statPath(ref: string, path: string): Promise<PathStat> {
    return archive.statPath(this.#parts, this.#target(ref), path);
  }

  async getArchive(
    ref: string,
    path: string,
  ): Promise<{ stat: PathStat; stream: AsyncIterable<Uint8Array> }> {
    return archive.getArchive(this.#parts, this.#target(ref), path);
  }

  async putArchive(
    ref: string,
    path: string,
    tar: AsyncIterable<Uint8Array>,
    options: PutArchiveOptions,
  ): Promise<void> {
    await archive.putArchive(this.#parts, this.#target(ref), path, tar, options);
  }

  async changes(ref: string): Promise<FilesystemChange[]> {
    return archive.changesOf(this.#parts, this.#target(ref));
  }

  async export(ref: string): Promise<AsyncIterable<Uint8Array>> {
    return archive.exportContainer(this.#parts, this.#target(ref));
  }

  /** All that are stopped. */
  async prune(filters: Filters): Promise<ContainersPruneResponse> {
    const pruned = this.#parts.registry.all().filter(prunePredicate(filters));
    let SpaceReclaimed = 0;
    const ContainersDeleted: string[] = [];
    for (const container of pruned) {
      const bytes = await writtenBytes(this.#parts, container.id);
      if (this.#parts.registry.byId(container.id) === undefined || !(await this.#removeIdle(container)))
        continue;
      SpaceReclaimed += bytes;
      ContainersDeleted.push(container.id);
    }
    return { ContainersDeleted, SpaceReclaimed };
  }

  /** False where somebody has started it meanwhile. */
  async #removeIdle({ id }: Container): Promise<boolean> {
    try {
      await this.remove(id, { force: false, volumes: false });
      return true;
    } catch (error) {
      if (error instanceof BerthError && error.code === "conflict") return false;
      throw error;
    }
  }

  /** The launch plan of `run` with this request, as text; nothing is made. */
  async explain(request: ContainerCreateRequest, format: ExplainFormat): Promise<string> {
    const { explainContainer } = await import("./explain.ts"); // nobody else pays for it
    return explainContainer(this.#parts, request, format);
  }
}
