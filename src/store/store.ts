/** What users created, durably: the root directory, its lock, and state.db. */
import { Database, SQLiteError } from "bun:sqlite";
import { mkdirSync } from "node:fs";
import { resolve } from "node:path";
import { BerthError } from "../lib/error.ts";
import { Collection, writing } from "./collection.ts";
import { lockFile } from "./lock.ts";
import { type CollectionName, migrate } from "./migrations.ts";

export type { CollectionName } from "./migrations.ts";
export type { Collection, Row } from "./collection.ts";

const DEFAULT_ROOT = "/var/lib/berth";

/** Opens `root`, made 0700 if it is not there. `conflict` when another engine holds it, `corrupt` when state.db is damaged. */
export async function openStore(root: string): Promise<Store> {
  const directory = resolve(root);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  using undo = new DisposableStack();
  const lock = undo.use(lockFile(`${directory}/lock`));
  const database = openDatabase(`${directory}/state.db`);
  undo.move();
  return new Store(directory, database, lock);
}

/** `berth` for the default root; else a name made of the path, so that two engines never share a bridge or a cgroup. */
export function instanceName(root: string): string {
  if (root === DEFAULT_ROOT) return "berth";
  return `b${new Bun.CryptoHasher("sha256").update(root).digest("hex").slice(0, 6)}`;
}

export class Store implements Disposable {
  readonly root: string;
  readonly instance: string;
  readonly #database: Database;
  readonly #lock: Disposable;

  constructor(root: string, database: Database, lock: Disposable) {
    this.root = root;
    this.instance = instanceName(root);
    this.#database = database;
    this.#lock = lock;
  }

  collection<T>(name: CollectionName): Collection<T> {
    return new Collection<T>(this.#database, name);
  }

  /** All of `work`'s writes, or none of them. Nested calls join the outer one. */
  transaction<T>(work: () => T): T {
    if (this.#database.inTransaction) return work();
    return writing(() => this.#database.transaction(work).immediate());
  }

  /** A single value that belongs to no collection. */
  meta(name: string): string | undefined {
    return this.#database
      .query<{ value: string }, [string]>("SELECT value FROM meta WHERE name = ?")
      .get(name)?.value;
  }

  setMeta(name: string, value: string): void {
    this.#database.run(
      "INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
      [name, value],
    );
  }

  close(): void {
    this.#database.close();
    this.#lock[Symbol.dispose]();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

function openDatabase(path: string): Database {
  try {
    const database = new Database(path, { create: true, strict: true });
    database.run("PRAGMA journal_mode = WAL");
    database.run("PRAGMA synchronous = NORMAL");
    database.run("PRAGMA busy_timeout = 5000");
    checkIntegrity(database, path);
    migrate(database);
    return database;
  } catch (error) {
    if (!(error instanceof SQLiteError)) throw error;
    throw error.code === "SQLITE_FULL" ? noSpace(path, error) : corrupt(path, error.message, error);
  }
}

function checkIntegrity(database: Database, path: string): void {
  const row = database.query<{ quick_check: string }, []>("PRAGMA quick_check(1)").get();
  if (row?.quick_check !== "ok") throw corrupt(path, row?.quick_check ?? "no answer");
}

function corrupt(path: string, why: string, cause?: unknown): BerthError {
  return new BerthError(
    "corrupt",
    `${path} is damaged (${why.replaceAll(/\s+/g, " ")}): move ${path}, ${path}-wal and ${path}-shm away and start again; ` +
      "images are then taken up again, containers must be made anew",
    { cause },
  );
}

function noSpace(path: string, cause: Error): BerthError {
  return new BerthError("no_space", `open ${path}: no space left on device`, { cause });
}
