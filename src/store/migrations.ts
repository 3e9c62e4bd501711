/** The shape of state.db, as numbered steps. A step that was released is never changed: a new one is added behind it. */
import type { Database } from "bun:sqlite";
import { BerthError } from "../lib/error.ts";

/** What users created. `key` is a second unique name of the row (a container's name), `data` is JSON. */
export const COLLECTIONS = ["containers", "images", "tags", "layers", "networks", "addresses"] as const;
export type CollectionName = (typeof COLLECTIONS)[number];

const MIGRATIONS: readonly string[] = [
  [
    "CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;",
    ...COLLECTIONS.map(
      (name) => `CREATE TABLE ${name} (id TEXT PRIMARY KEY, key TEXT UNIQUE, data TEXT NOT NULL) STRICT;`,
    ),
  ].join("\n"),
];

/** Brings an older state.db up to date; one that a newer berth wrote is refused. */
export function migrate(database: Database): void {
  const version =
    database.query<{ user_version: number }, []>("PRAGMA user_version").get()?.user_version ?? 0;
  if (version > MIGRATIONS.length) throw tooNew(version);
  for (const [index, step] of MIGRATIONS.entries()) {
    if (index < version) continue;
    database.transaction(() => {
      database.run(step);
      database.run(`PRAGMA user_version = ${index + 1}`);
    })();
  }
}

function tooNew(version: number): BerthError {
  return new BerthError(
    "unsupported",
    `state.db has version ${version}, this berth knows up to ${MIGRATIONS.length}: use the newer berth that wrote it`,
  );
}
