/** Which images, names and layers there are: state.db's rows, kept in memory as well so that looking up costs nothing. */
import { type Digest, isDigest } from "../lib/digest.ts";
import type { Collection, Store } from "../store/store.ts";
import type { ImageRow, LayerRow, TagRow } from "./image.ts";
import { canonical, isReference, parseReference } from "./reference.ts";

/** What one step changes, all or nothing; `undefined` removes. */
export interface CatalogChange {
  readonly images?: Iterable<readonly [id: Digest, row: ImageRow | undefined]>;
  readonly tags?: Iterable<readonly [name: string, row: TagRow | undefined]>;
  readonly layers?: Iterable<readonly [chainId: Digest, row: LayerRow | undefined]>;
}

export class Catalog {
  readonly #store: Store;
  readonly #images: Table<Digest, ImageRow>;
  readonly #tags: Table<string, TagRow>;
  readonly #layers: Table<Digest, LayerRow>;

  constructor(store: Store) {
    this.#store = store;
    this.#images = new Table(store.collection("images"));
    this.#tags = new Table(store.collection("tags"));
    this.#layers = new Table(store.collection("layers"));
  }

  get images(): ReadonlyMap<Digest, ImageRow> {
    return this.#images.rows;
  }
  /** By canonical name. */
  get tags(): ReadonlyMap<string, TagRow> {
    return this.#tags.rows;
  }
  get layers(): ReadonlyMap<Digest, LayerRow> {
    return this.#layers.rows;
  }

  /** Writes everything in one transaction, and only then shows it. */
  commit(change: CatalogChange): void {
    const [images, tags, layers] = [
      [...(change.images ?? [])],
      [...(change.tags ?? [])],
      [...(change.layers ?? [])],
    ];
    this.#store.transaction(() => {
      this.#images.write(images);
      this.#tags.write(tags);
      this.#layers.write(layers);
    });
    this.#images.show(images);
    this.#tags.show(tags);
    this.#layers.show(layers);
  }

  /** Canonical names of an image. */
  namesOf(id: Digest): string[] {
    return [...this.#tags.rows].filter(([, row]) => row.imageId === id).map(([name]) => name);
  }

  /** As docker looks: full id, name (with `latest`), beginning of an id. Detached images are not found. */
  find(text: string): Digest | undefined {
    const id = text.startsWith("sha256:") ? text : `sha256:${text}`;
    if (isDigest(id)) return this.#visible(id);
    const named = isReference(text) ? this.#tags.rows.get(canonical(parseReference(text))) : undefined;
    return named?.imageId ?? this.#findByPrefix(id);
  }

  #findByPrefix(prefix: string): Digest | undefined {
    if (!/^sha256:[0-9a-f]{1,63}$/.test(prefix)) return undefined;
    const found = [...this.#images.rows.keys()].filter(
      (id) => id.startsWith(prefix) && this.#visible(id) !== undefined,
    );
    return found.length === 1 ? found[0] : undefined;
  }

  #visible(id: Digest): Digest | undefined {
    const row = this.#images.rows.get(id);
    return row === undefined || row.detached === true ? undefined : id;
  }
}

class Table<K extends string, T> {
  readonly #collection: Collection<T>;
  readonly rows: Map<K, T>;

  constructor(collection: Collection<T>) {
    this.#collection = collection;
    this.rows = new Map(collection.all().map(({ id, value }) => [id as K, value])); // ids are what was put here
  }

  write(changes: readonly (readonly [K, T | undefined])[]): void {
    for (const [id, row] of changes) {
      if (row === undefined) this.#collection.remove(id);
      else this.#collection.put(id, row);
    }
  }

  show(changes: readonly (readonly [K, T | undefined])[]): void {
    for (const [id, row] of changes) {
      if (row === undefined) this.rows.delete(id);
      else this.rows.set(id, row);
    }
  }
}
