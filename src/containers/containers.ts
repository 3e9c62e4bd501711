/** All containers of an engine: what the API's /containers can ask. */
import { BerthError } from "../lib/error.ts";
import type {
  ContainerCreateResponse,
  ContainerInspectResponse,
  ContainerSummary,
  ContainerTopResponse,
  ContainerWaitResponse,
  FilesystemChange,
} from "../wire/schema.ts";
import type { Filters } from "../wire/filters.ts";
import type {
  ContainerCreateRequest,
  ContainersPruneResponse,
  PathStat,
  WaitCondition,
} from "../wire/requests.ts";
import type {
  Attachment,
  AttachOptions,
  ExplainFormat,
  ListOptions,
  LogOptions,
  LogStream,
  PutArchiveOptions,
  StopOptions,
} from "./requests.ts";

function soon(..._: readonly unknown[]): never {
  throw new BerthError("internal", "not built yet");
}

export class Containers {
  list = (options: ListOptions): Promise<ContainerSummary[]> => soon(options);
  create = (
    name: string | undefined,
    request: ContainerCreateRequest,
    platform?: string,
  ): Promise<ContainerCreateResponse> => soon(name, request, platform);
  inspect = (ref: string, options: { size: boolean }): Promise<ContainerInspectResponse> =>
    soon(ref, options);
  start = (ref: string, options?: { detachKeys?: string }): Promise<void> => soon(ref, options);
  stop = (ref: string, options: StopOptions): Promise<void> => soon(ref, options);
  restart = (ref: string, options: StopOptions): Promise<void> => soon(ref, options);
  kill = (ref: string, signal: string | undefined): Promise<void> => soon(ref, signal);
  pause = (ref: string): Promise<void> => soon(ref);
  unpause = (ref: string): Promise<void> => soon(ref);
  rename = (ref: string, name: string): Promise<void> => soon(ref, name);
  remove = (ref: string, options: { force: boolean; volumes: boolean }): Promise<void> => soon(ref, options);
  wait = (ref: string, condition: WaitCondition, signal: AbortSignal): Promise<ContainerWaitResponse> =>
    soon(ref, condition, signal);
  top = (ref: string, psArgs: string | undefined): Promise<ContainerTopResponse> => soon(ref, psArgs);
  logs = (ref: string, options: LogOptions, signal: AbortSignal): Promise<LogStream> =>
    soon(ref, options, signal);
  attach = (ref: string, options: AttachOptions, signal: AbortSignal): Promise<Attachment> =>
    soon(ref, options, signal);
  resize = (ref: string, height: number, width: number): Promise<void> => soon(ref, height, width);
  statPath = (ref: string, path: string): Promise<PathStat> => soon(ref, path);
  getArchive = (ref: string, path: string): Promise<{ stat: PathStat; stream: AsyncIterable<Uint8Array> }> =>
    soon(ref, path);
  putArchive = (
    ref: string,
    path: string,
    archive: AsyncIterable<Uint8Array>,
    options: PutArchiveOptions,
  ): Promise<void> => soon(ref, path, archive, options);
  changes = (ref: string): Promise<FilesystemChange[]> => soon(ref);
  export = (ref: string): Promise<AsyncIterable<Uint8Array>> => soon(ref);
  prune = (filters: Filters): Promise<ContainersPruneResponse> => soon(filters);
  explain = (request: ContainerCreateRequest, format: ExplainFormat): Promise<string> =>
    soon(request, format);
}
