/** All execs that somebody may still ask for: the running ones, and the last of those that have ended. */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { BerthError } from "../lib/error.ts";
import { noSuchExec } from "../wire/messages.ts";
import type { Container } from "./container.ts";
import type { Exec, ExecRecord } from "./exec.ts";
import { execRecordPath, type Places } from "./places.ts";

/** Exit codes are kept for this many: more than any client leaves unread, and a megabyte. */
const MAX_ENDED = 2000;
const MAX_CREATED = 10_000;

export class ExecTable {
  readonly #places: Places;
  readonly #execs = new Map<string, Exec>();
  readonly #ended: string[] = [];

  constructor(places: Places) {
    this.#places = places;
    mkdirSync(`${places.run}/x`, { recursive: true, mode: 0o700 });
  }

  add(exec: Exec): void {
    if (this.#execs.size >= MAX_CREATED + MAX_ENDED) this.#forgetOldestCreated();
    this.#execs.set(exec.id, exec);
  }

  /** By id or its first digits. */
  get(id: string): Exec {
    const exact = this.#execs.get(id);
    if (exact !== undefined) return exact;
    const [match, another] = [...this.#execs.values()].filter((exec) => id !== "" && exec.id.startsWith(id));
    if (match !== undefined && another === undefined) return match;
    throw new BerthError("not_found", noSuchExec(id));
  }

  has(id: string): boolean {
    return this.#execs.has(id);
  }

  /** As inspect of a container lists them: those that run. */
  idsOf(container: Container): string[] {
    return [...this.#execs.values()]
      .filter((exec) => exec.container === container && exec.state.status === "running")
      .map(({ id }) => id);
  }

  /** For the next engine: what runs, and with which code it ended. */
  record({ id, container, config, state }: Exec): void {
    const ended = state.status === "exited" ? { exitCode: state.exitCode } : {};
    const record: ExecRecord = { container: container.id, config, ...ended };
    writeFileSync(execRecordPath(this.#places, id), JSON.stringify(record), { mode: 0o600 });
  }

  /** Keeps the exit code, and forgets the oldest once there are many. */
  ended(exec: Exec): void {
    this.#ended.push(exec.id);
    if (this.#ended.length > MAX_ENDED) this.#forget(this.#ended.shift() ?? "");
  }

  /** Those of a container that no longer exists. */
  forgetContainer(container: Container): void {
    for (const exec of this.#execs.values()) if (exec.container === container) this.#forget(exec.id);
  }

  #forgetOldestCreated(): void {
    for (const { id, state } of this.#execs.values()) if (state.status === "created") return this.#forget(id);
  }

  #forget(id: string): void {
    this.#execs.delete(id);
    rmSync(execRecordPath(this.#places, id), { force: true });
  }
}
