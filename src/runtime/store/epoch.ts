import type { DatabaseSync } from "node:sqlite"

/**
 * The clock of a store: it moves when a run takes its lease and when a collection begins, whatever the time of day
 * does. Every blob has the epoch in which it was last written or put again. A collector takes only blobs that are
 * older than every live lease and than itself.
 */
export const currentEpoch = (db: DatabaseSync): number =>
  Number(db.prepare("SELECT value FROM counters WHERE name = 'epoch'").get()!["value"])

/** Begins a new epoch; within a transaction of the caller's. */
export const nextEpoch = (db: DatabaseSync): number =>
  Number(
    db.prepare("UPDATE counters SET value = value + 1 WHERE name = 'epoch' RETURNING value").get()!["value"],
  )

/** Layout 3: digests as 32 bytes, packs by number, leases that say who holds them and what they may use. */
export const PACKS_BY_NUMBER = `
  CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
  INSERT INTO counters VALUES ('epoch', 1);
  CREATE TABLE packs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    path TEXT NOT NULL UNIQUE   -- relative to the store: packs/… holds many blobs, objects/… one
  );
  ALTER TABLE blobs RENAME TO blobs_by_name;
  CREATE TABLE blobs (
    digest BLOB PRIMARY KEY,
    pack INTEGER NOT NULL,
    offset INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    epoch INTEGER NOT NULL      -- when it was last written or put again
  ) WITHOUT ROWID;
  INSERT INTO packs (path) SELECT DISTINCT 'packs/' || pack || '.pack' FROM blobs_by_name WHERE pack IS NOT NULL;
  INSERT INTO packs (path)
    SELECT 'objects/' || substr(digest, 1, 2) || '/' || substr(digest, 3) FROM blobs_by_name WHERE pack IS NULL;
  INSERT INTO blobs
    SELECT unhex(b.digest), p.id, b.offset, b.bytes, 1 FROM blobs_by_name b JOIN packs p
      ON p.path = coalesce('packs/' || b.pack || '.pack', 'objects/' || substr(b.digest, 1, 2) || '/' || substr(b.digest, 3));
  DROP TABLE blobs_by_name;
  ALTER TABLE leases ADD COLUMN epoch INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE leases ADD COLUMN owner TEXT NOT NULL DEFAULT '';
  ALTER TABLE leases ADD COLUMN scope TEXT NOT NULL DEFAULT '';
`
