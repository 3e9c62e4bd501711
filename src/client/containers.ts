/** Calls that concern containers. A `ref` is a name, an id, or the beginning of one. */
import { BerthError } from "../lib/error.ts";
import { formatFilters, type Filters } from "../wire/filters.ts";
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
import { PATH_STAT_HEADER } from "../wire/versions.ts";
import type { Response } from "./connection.ts";
import { type Hijacked, type Query, readText, type Transport } from "./transport.ts";

export interface ListOptions {
  readonly all?: boolean;
  readonly limit?: number;
  readonly size?: boolean;
  readonly filters: Filters;
}

export interface LogsOptions {
  readonly stdout: boolean;
  readonly stderr: boolean;
  readonly follow?: boolean;
  readonly timestamps?: boolean;
  readonly details?: boolean;
  readonly since?: string;
  readonly until?: string;
  readonly tail?: string;
}

export interface AttachOptions {
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  readonly detachKeys?: string | undefined;
}

/** Asks for the end that the engine already waits for. */
export type Exit = () => Promise<ContainerWaitResponse>;

export class ContainerCalls {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  list(options: ListOptions): Promise<ContainerSummary[]> {
    const filters = options.filters.size === 0 ? undefined : formatFilters(options.filters);
    return this.#transport.json("GET", "/containers/json", { query: { ...options, filters } });
  }

  create(
    request: ContainerCreateRequest,
    query: { name?: string; platform?: string },
  ): Promise<ContainerCreateResponse> {
    return this.#transport.json("POST", "/containers/create", { query, body: JSON.stringify(request) });
  }

  inspect(ref: string, query: { size?: boolean } = {}): Promise<ContainerInspectResponse> {
    return this.#transport.json("GET", `${at(ref)}/json`, { query });
  }

  start(ref: string, query: { detachKeys?: string } = {}): Promise<void> {
    return this.#act(ref, "start", query);
  }

  /** `t` is seconds until SIGKILL; -1 waits for ever. */
  stop(ref: string, query: { signal?: string; t?: number | undefined }): Promise<void> {
    return this.#act(ref, "stop", query);
  }

  restart(ref: string, query: { signal?: string; t?: number | undefined }): Promise<void> {
    return this.#act(ref, "restart", query);
  }

  kill(ref: string, signal: string): Promise<void> {
    return this.#act(ref, "kill", { signal });
  }

  pause(ref: string): Promise<void> {
    return this.#act(ref, "pause");
  }

  unpause(ref: string): Promise<void> {
    return this.#act(ref, "unpause");
  }

  rename(ref: string, name: string): Promise<void> {
    return this.#act(ref, "rename", { name });
  }

  resize(ref: string, size: { h: number; w: number }): Promise<void> {
    return this.#act(ref, "resize", size);
  }

  async remove(ref: string, query: { force: boolean; v: boolean; link?: boolean }): Promise<void> {
    await this.#transport.text("DELETE", at(ref), { query });
  }

  /** Resolves when the engine has begun to wait: an exit from then on is not missed. */
  async wait(ref: string, condition: WaitCondition): Promise<Exit> {
    const { body } = await this.#transport.stream("POST", `${at(ref)}/wait`, { query: { condition } });
    return async () => requireStatus(await readText(body));
  }

  update(ref: string, limits: ContainerUpdateRequest): Promise<ContainerUpdateResponse> {
    return this.#transport.json("POST", `${at(ref)}/update`, { body: JSON.stringify(limits) });
  }

  /** One look, without the difference to another. */
  stats(ref: string): Promise<ContainerStatsResponse> {
    return this.#transport.json("GET", `${at(ref)}/stats`, { query: { stream: 0, "one-shot": true } });
  }

  top(ref: string, psArgs: string): Promise<ContainerTopResponse> {
    return this.#transport.json("GET", `${at(ref)}/top`, { query: { ps_args: psArgs } });
  }

  async logs(ref: string, options: LogsOptions): Promise<AsyncGenerator<Uint8Array>> {
    return (await this.#transport.stream("GET", `${at(ref)}/logs`, { query: { ...options } })).body;
  }

  attach(ref: string, options: AttachOptions): Promise<Hijacked> {
    return this.#transport.hijack(`${at(ref)}/attach`, { query: { ...options, stream: true } });
  }

  changes(ref: string): Promise<FilesystemChange[] | null> {
    return this.#transport.json("GET", `${at(ref)}/changes`);
  }

  async export(ref: string): Promise<AsyncGenerator<Uint8Array>> {
    return (await this.#transport.stream("GET", `${at(ref)}/export`)).body;
  }

  async statPath(ref: string, path: string): Promise<PathStat> {
    return statOf(await this.#transport.stream("HEAD", `${at(ref)}/archive`, { query: { path } }));
  }

  /** A tar of what is there. */
  async getArchive(ref: string, path: string): Promise<{ stat: PathStat; body: AsyncGenerator<Uint8Array> }> {
    const response = await this.#transport.stream("GET", `${at(ref)}/archive`, { query: { path } });
    return { stat: statOf(response), body: response.body };
  }

  /** Unpacks the tar into a directory. */
  async putArchive(
    ref: string,
    query: { path: string; noOverwriteDirNonDir: boolean; copyUIDGID: boolean },
    body: AsyncIterable<Uint8Array>,
  ): Promise<void> {
    const type = "application/x-tar";
    const flag = (on: boolean): string | undefined => (on ? "true" : undefined);
    await this.#transport.text("PUT", `${at(ref)}/archive`, {
      query: {
        path: query.path,
        noOverwriteDirNonDir: flag(query.noOverwriteDirNonDir),
        copyUIDGID: flag(query.copyUIDGID),
      },
      body,
      type,
    });
  }

  prune(filters: Filters): Promise<ContainersPruneResponse> {
    return this.#transport.json("POST", "/containers/prune", { query: { filters: formatFilters(filters) } });
  }

  /** The launch plan of a container that would be created so, as text. */
  explain(request: ContainerCreateRequest, query: { format: string; platform?: string }): Promise<string> {
    return this.#transport.text("POST", "/berth/explain", { query, body: JSON.stringify(request) });
  }

  async #act(ref: string, action: string, query: Query = {}): Promise<void> {
    await this.#transport.text("POST", `${at(ref)}/${action}`, { query });
  }
}

/** An engine that ends while it waits may end the answer too. */
function requireStatus(text: string): ContainerWaitResponse {
  if (text.trim() !== "") return JSON.parse(text) as ContainerWaitResponse;
  throw new BerthError("unavailable", "the engine ended before the container did");
}

function at(ref: string): string {
  if (ref.trim() === "") throw new BerthError("invalid", "invalid container name or ID: value is empty");
  return `/containers/${encodeURIComponent(ref)}`;
}

function statOf(response: Response): PathStat {
  const text = response.headers.get(PATH_STAT_HEADER.toLowerCase());
  if (text === undefined) throw new BerthError("internal", "the engine did not say what is at that path");
  return JSON.parse(Buffer.from(text, "base64").toString("utf8")) as PathStat;
}
