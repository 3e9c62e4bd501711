/** All containers by id and name, in memory; every change of a record goes through here to state.db. */
import { BerthError } from "../lib/error.ts";
import { step } from "../lib/failpoint.ts";
import type { Collection, Store } from "../store/store.ts";
import { nameTaken, noSuchContainer } from "../wire/messages.ts";
import { Container, type ContainerRecord } from "./container.ts";
import type { ContainerSpec } from "./spec.ts";
import type { ContainerState } from "./state.ts";

export class Registry {
  readonly #store: Store;
  readonly #rows: Collection<ContainerRecord>;
  readonly #byId = new Map<string, Container>();
  readonly #byName = new Map<string, Container>();
  readonly #leaving = new Set<Container>();

  /** Reads all records; what they claim about processes is not checked here. */
  constructor(store: Store) {
    this.#store = store;
    this.#rows = store.collection<ContainerRecord>("containers");
    for (const { id, value } of this.#rows.all()) this.#remember(new Container(id, value));
  }

  /** In the order of creation. */
  all(): Container[] {
    return [...this.#byId.values()];
  }

  /** When nothing is left of those that were removed. */
  async removed(): Promise<void> {
    for (const { settled } of this.#leaving) await settled;
  }

  get size(): number {
    return this.#byId.size;
  }

  /** By full id. */
  byId(id: string): Container | undefined {
    return this.#byId.get(id);
  }

  hasName(name: string): boolean {
    return this.#byName.has(name);
  }

  /** By id, name (with or without slash) or the first digits of an id; in this order, as docker. */
  find(ref: string): Container | undefined {
    const exact = this.#byId.get(ref) ?? this.#byName.get(ref.startsWith("/") ? ref.slice(1) : ref);
    if (exact !== undefined || !/^[0-9a-f]+$/.test(ref)) return exact;
    const [match, another] = this.all().filter(({ id }) => id.startsWith(ref));
    if (another === undefined) return match;
    throw new BerthError("invalid", `multiple IDs found with provided prefix: ${ref}`);
  }

  get(ref: string): Container {
    const container = this.find(ref);
    if (container === undefined) throw new BerthError("not_found", noSuchContainer(ref));
    return container;
  }

  /** For who had to wait for it: it may have been removed meanwhile. */
  requireStill(container: Container, ref: string): void {
    if (this.#byId.get(container.id) !== container) throw new BerthError("not_found", noSuchContainer(ref));
  }

  requireFreeName(name: string): void {
    const holder = this.#byName.get(name);
    if (holder !== undefined) throw new BerthError("conflict", nameTaken(name, holder.id));
  }

  /** Durable when this returns. */
  add(container: Container): void {
    this.requireFreeName(container.name);
    this.#rows.put(container.id, container.record, container.name);
    this.#remember(container);
    step();
  }

  rename(container: Container, name: string): void {
    this.requireFreeName(name);
    const record = { ...container.record, name };
    this.#rows.put(container.id, record, name);
    this.#byName.delete(container.name);
    container.record = record;
    this.#byName.set(name, container);
    step();
  }

  /** Durable when this returns. */
  setSpec(container: Container, spec: ContainerSpec): void {
    const record = { ...container.record, spec };
    this.#rows.put(container.id, record, container.name);
    container.record = record;
    step();
  }

  /** The state in memory changes even when the disk is full: it is the truth. */
  setState(container: Container, state: ContainerState): void {
    container.record = { ...container.record, state };
    this.#rows.put(container.id, container.record, container.name);
    step();
  }

  /** In memory only, for states that are over before they need to be known to a next engine. */
  passState(container: Container, state: ContainerState): void {
    container.record = { ...container.record, state };
  }

  /** Gone in memory and durably, together with what `alongside` takes out of the store. */
  remove(container: Container, alongside: () => void): void {
    this.#store.transaction(() => {
      this.#rows.remove(container.id);
      alongside();
    });
    this.#byId.delete(container.id);
    this.#byName.delete(container.name);
    this.#leaving.add(container);
    step();
  }

  /** Of one that was removed nothing is left. */
  hasLeft(container: Container): void {
    this.#leaving.delete(container);
  }

  #remember(container: Container): void {
    this.#byId.set(container.id, container);
    this.#byName.set(container.name, container);
  }
}
