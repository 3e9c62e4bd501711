/** What the API asks of the engine. */
import type { Engine } from "../engine/engine.ts";
import type { Filters } from "../wire/filters.ts";
import type { Progress } from "../wire/progress.ts";
import type { ImagesPruneResponse } from "../wire/requests.ts";
import type {
  ImageDeleteResponseItem,
  ImageHistoryResponseItem,
  ImageInspect,
  ImageSummary,
} from "../wire/schema.ts";

type Soon<T> = T | Promise<T>;

export interface ApiImages {
  list(options: { all: boolean; filters: Filters; digests: boolean }): Soon<ImageSummary[]>;
  inspect(ref: string): Soon<ImageInspect>;
  history(ref: string): Soon<ImageHistoryResponseItem[]>;
  tag(ref: string, repo: string, tag: string | undefined): Soon<void>;
  remove(ref: string, options: { force: boolean; prune: boolean }): Soon<ImageDeleteResponseItem[]>;
  prune(filters: Filters): Soon<ImagesPruneResponse>;
  import(
    archive: AsyncIterable<Uint8Array>,
    options: {
      reference: string | undefined;
      message: string | undefined;
      changes: readonly string[];
      platform: string | undefined;
    },
  ): AsyncIterable<Progress>;
  load(archive: AsyncIterable<Uint8Array>): AsyncIterable<Progress>;
  save(refs: readonly string[], platform?: string): AsyncIterable<Uint8Array>;
  pull(ref: string): AsyncIterable<Progress>;
  bootstrap(
    kind: string,
    options: { suite: string | undefined; include: string | undefined; name: string | undefined },
  ): AsyncIterable<Progress>;
}

export type ApiEngine = Pick<Engine, "containers" | "execs" | "system"> & { readonly images: ApiImages };
