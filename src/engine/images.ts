/** The image store as the engine offers it: it says what happened, and knows which images containers need. */
import type { Parts } from "../containers/parts.ts";
import { usedBy } from "../containers/used-by.ts";
import type { Images } from "../images/images.ts";
import { familiar, parseReference } from "../images/reference.ts";
import type { Filters } from "../wire/filters.ts";
import type { Progress } from "../wire/progress.ts";
import type { ImageDeleteResponseItem } from "../wire/schema.ts";

export class EngineImages {
  readonly #images: Images;
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#images = parts.images;
    this.#parts = parts;
  }

  list = (options: Parameters<Images["list"]>[0]) => this.#images.list(options);
  inspect = (ref: string) => this.#images.inspect(ref);
  history = (ref: string) => this.#images.history(ref);
  save = (...args: Parameters<Images["save"]>) => this.#images.save(...args);

  tag(ref: string, repo: string, tag: string | undefined): void {
    this.#images.tag(ref, repo, tag);
    this.#tell("tag", familiar(parseReference(tag ? `${repo}:${tag}` : repo)));
  }

  remove(ref: string, options: { force: boolean; prune: boolean }): ImageDeleteResponseItem[] {
    const id = this.#images.find(ref)?.id ?? "";
    const removed = this.#images.remove(ref, { ...options, usedBy: usedBy(this.#parts.registry) });
    this.#tellRemoved(removed, id);
    return removed;
  }

  prune(filters: Filters): ReturnType<Images["prune"]> {
    const report = this.#images.prune(filters, usedBy(this.#parts.registry));
    this.#tellRemoved(report.deleted);
    return report;
  }

  /** Names that went, and images; the layers among the deleted have no event, as with docker. */
  #tellRemoved(items: readonly ImageDeleteResponseItem[], id?: string): void {
    const { events } = this.#parts;
    for (const { Untagged } of items) if (Untagged) events.image("untag", id ?? Untagged, Untagged);
    const deleted = items.find(({ Deleted }) => Deleted && (id === undefined || Deleted === id))?.Deleted;
    if (deleted) events.image("delete", deleted, deleted);
  }

  /** `name` is a name or an id of an image that is there. */
  #tell(action: string, name: string): void {
    this.#parts.events.image(action, this.#images.find(name)?.id ?? name, name);
  }

  import = (...args: Parameters<Images["import"]>) => this.#told("import", this.#images.import(...args));
  load = (...args: Parameters<Images["load"]>) => this.#told("load", this.#images.load(...args));
  pull = (...args: Parameters<Images["pull"]>) => this.#told("pull", this.#images.pull(...args));
  bootstrap = (...args: Parameters<Images["bootstrap"]>) =>
    this.#told("import", this.#images.bootstrap(...args));

  /** The same stream; what it says came into being becomes an event. */
  async *#told(action: string, stream: AsyncIterable<Progress>): AsyncGenerator<Progress> {
    for await (const message of stream) {
      const made = madeBy(message);
      if (made !== undefined) this.#tell(action, made);
      yield message;
    }
  }
}

/** `sha256:…` of an import, `Loaded image: busybox:latest` of a load. */
function madeBy({ status = "", stream = "" }: Progress): string | undefined {
  return /^sha256:[0-9a-f]{64}$/.exec(status)?.[0] ?? /^Loaded image(?: ID)?: (\S+)/.exec(stream)?.[1];
}
