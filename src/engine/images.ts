/** The image store as the engine offers it: it says what happened, and knows which images containers need. */
import type { Images } from "../images/images.ts";
import type { Parts } from "../containers/parts.ts";
import { isRunning } from "../containers/state.ts";

type UsedBy = Parameters<Images["prune"]>[1];

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
  save = (refs: readonly string[], platform?: string) => this.#images.save([...refs], platform);

  tag(ref: string, repo: string, tag: string | undefined): void {
    this.#images.tag(ref, repo, tag);
    this.#parts.events.image("tag", this.#images.get(ref).id, `${repo}:${tag || "latest"}`);
  }

  remove(ref: string, options: { force: boolean; prune: boolean }) {
    const removed = this.#images.remove(ref, { ...options, usedBy: this.#usedBy });
    for (const { Untagged, Deleted } of removed) {
      if (Untagged) this.#parts.events.image("untag", Untagged, Untagged);
      if (Deleted) this.#parts.events.image("delete", Deleted, Deleted);
    }
    return removed;
  }

  prune(filters: Parameters<Images["prune"]>[0]) {
    const report = this.#images.prune(filters, this.#usedBy);
    this.#parts.events.image("prune", "", "");
    return report;
  }

  import = (...args: Parameters<Images["import"]>) => this.#told("import", this.#images.import(...args));
  load = (...args: Parameters<Images["load"]>) => this.#told("load", this.#images.load(...args));
  pull = (...args: Parameters<Images["pull"]>) => this.#told("pull", this.#images.pull(...args));
  bootstrap = (...args: Parameters<Images["bootstrap"]>) =>
    this.#told("import", this.#images.bootstrap(...args));

  /** Containers that were made from the image: what keeps it. */
  readonly #usedBy: UsedBy = (imageId) =>
    this.#parts.registry
      .all()
      .filter(({ spec }) => spec.image.id === imageId)
      .map(({ id, state }) => ({ id, running: isRunning(state) }));

  /** The same stream; at its end the event. */
  async *#told<T>(action: string, stream: AsyncIterable<T>): AsyncGenerator<T> {
    yield* stream;
    this.#parts.events.image(action, "", "");
  }
}
