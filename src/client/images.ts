/** Calls that concern images. */
import { BerthError } from "../lib/error.ts";
import { formatFilters, type Filters } from "../wire/filters.ts";
import { jsonLines } from "../wire/lines.ts";
import type { Progress } from "../wire/progress.ts";
import type { ImagesPruneResponse } from "../wire/requests.ts";
import type {
  ImageDeleteResponseItem,
  ImageHistoryResponseItem,
  ImageInspect,
  ImageSummary,
} from "../wire/schema.ts";
import type { Options, Transport } from "./transport.ts";

export class ImageCalls {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  list(options: { all: boolean; digests: boolean; filters: Filters }): Promise<ImageSummary[]> {
    const filters = options.filters.size === 0 ? undefined : formatFilters(options.filters);
    return this.#transport.json("GET", "/images/json", { query: { ...options, filters } });
  }

  inspect(ref: string): Promise<ImageInspect> {
    return this.#transport.json("GET", `/images/${escapeReference(ref)}/json`);
  }

  history(ref: string): Promise<ImageHistoryResponseItem[]> {
    return this.#transport.json("GET", `/images/${escapeReference(ref)}/history`);
  }

  async tag(ref: string, query: { repo: string; tag: string }): Promise<void> {
    await this.#transport.text("POST", `/images/${escapeReference(ref)}/tag`, { query });
  }

  remove(ref: string, query: { force: boolean; noprune: boolean }): Promise<ImageDeleteResponseItem[]> {
    return this.#transport.json("DELETE", `/images/${escapeReference(ref)}`, { query });
  }

  prune(filters: Filters): Promise<ImagesPruneResponse> {
    return this.#transport.json("POST", "/images/prune", { query: { filters: formatFilters(filters) } });
  }

  pull(query: { fromImage: string; tag: string; platform: string }): Promise<AsyncGenerator<Progress>> {
    return this.#progress("/images/create", { query });
  }

  import(
    query: {
      fromSrc: string;
      repo: string;
      tag: string;
      message: string;
      platform: string;
      changes: readonly string[];
    },
    body: AsyncIterable<Uint8Array> | undefined,
  ): Promise<AsyncGenerator<Progress>> {
    return this.#progress("/images/create", { query, body, type: "text/plain" });
  }

  load(
    query: { quiet: boolean; platform?: string },
    body: AsyncIterable<Uint8Array>,
  ): Promise<AsyncGenerator<Progress>> {
    return this.#progress("/images/load", { query, body, type: "application/x-tar" });
  }

  async save(refs: readonly string[]): Promise<AsyncGenerator<Uint8Array>> {
    return (await this.#transport.stream("GET", "/images/get", { query: { names: refs } })).body;
  }

  bootstrap(query: {
    kind: string;
    suite?: string;
    include?: string;
    name?: string;
  }): Promise<AsyncGenerator<Progress>> {
    return this.#progress("/berth/images/bootstrap", { query });
  }

  async #progress(path: string, options: Options): Promise<AsyncGenerator<Progress>> {
    return jsonLines<Progress>((await this.#transport.stream("POST", path, options)).body);
  }
}

/** Slashes are part of the path, as docker's own client sends them; the rest is escaped. */
function escapeReference(ref: string): string {
  if (ref.trim() === "") throw new BerthError("invalid", "invalid reference format");
  return ref.split("/").map(encodeURIComponent).join("/");
}
