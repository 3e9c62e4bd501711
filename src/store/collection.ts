/** One table of state.db: JSON values by id, with an optional second unique key such as a name. */
import type { Database, Statement } from "bun:sqlite";
import { BerthError } from "../lib/error.ts";

export interface Row<T> {
  readonly id: string;
  readonly value: T;
}

export class Collection<T> {
  readonly #name: string;
  readonly #get: Statement<{ data: string }, [string]>;
  readonly #getByKey: Statement<{ id: string; data: string }, [string]>;
  readonly #put: Statement<unknown, [string, string | null, string]>;
  readonly #remove: Statement<unknown, [string]>;
  readonly #all: Statement<{ id: string; data: string }, []>;

  constructor(database: Database, name: string) {
    this.#name = name;
    this.#get = database.query(`SELECT data FROM ${name} WHERE id = ?`);
    this.#getByKey = database.query(`SELECT id, data FROM ${name} WHERE key = ?`);
    this.#put = database.query(
      `INSERT INTO ${name} (id, key, data) VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE SET key = excluded.key, data = excluded.data`,
    );
    this.#remove = database.query(`DELETE FROM ${name} WHERE id = ?`);
    this.#all = database.query(`SELECT id, data FROM ${name} ORDER BY rowid`);
  }

  get(id: string): T | undefined {
    const row = this.#get.get(id);
    return row === null ? undefined : (JSON.parse(row.data) as T);
  }

  /** By the second key that put() was given. */
  getByKey(key: string): Row<T> | undefined {
    const row = this.#getByKey.get(key);
    return row === null ? undefined : { id: row.id, value: JSON.parse(row.data) as T };
  }

  /** Writes or replaces; `conflict` when another row has the second key `unique`. */
  put(id: string, value: T, unique?: string): void {
    try {
      writing(() => this.#put.run(id, unique ?? null, JSON.stringify(value)));
    } catch (error) {
      if (!hasCode(error, "SQLITE_CONSTRAINT_UNIQUE")) throw error;
      throw new BerthError("conflict", `"${unique}" is taken in ${this.#name}`, { cause: error });
    }
  }

  remove(id: string): void {
    writing(() => this.#remove.run(id));
  }

  /** In the order in which they were first put. */
  all(): Row<T>[] {
    return this.#all.all().map(({ id, data }) => ({ id, value: JSON.parse(data) as T }));
  }
}

/** What `work` writes may be more than the disk has room for: `no_space`. */
export function writing<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!hasCode(error, "SQLITE_FULL")) throw error;
    throw new BerthError("no_space", "write state.db: no space left on device", { cause: error });
  }
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}
