import { existsSync, mkdirSync, readdirSync } from "node:fs"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { StoreDamaged } from "./errors.ts"
import { PACKS_BY_NUMBER } from "./epoch.ts"
import { SEALS } from "./seal.ts"
import { CLEARED } from "./forgotten-layout.ts"

/** The layouts of the index, one step each: a step is added for every change, none is ever edited. */
const MIGRATIONS: ReadonlyArray<string> = [
  `
  CREATE TABLE blobs (
    digest TEXT PRIMARY KEY,
    pack TEXT,                -- null: a file of its own under objects/
    offset INTEGER NOT NULL,
    bytes INTEGER NOT NULL
  ) WITHOUT ROWID;
  CREATE TABLE traces (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    key TEXT NOT NULL,
    pipeline TEXT NOT NULL,
    node TEXT NOT NULL,
    run TEXT NOT NULL,
    at INTEGER NOT NULL,
    invalid INTEGER NOT NULL DEFAULT 0,
    record TEXT NOT NULL
  );
  CREATE INDEX traces_by_key ON traces (key, seq);
  CREATE INDEX traces_by_node ON traces (pipeline, node, seq);
  CREATE TABLE items (
    key TEXT PRIMARY KEY,
    at INTEGER NOT NULL,
    result TEXT NOT NULL
  ) WITHOUT ROWID;
  CREATE TABLE runs (
    id TEXT PRIMARY KEY,
    at INTEGER NOT NULL,
    record TEXT NOT NULL
  ) WITHOUT ROWID;
  CREATE TABLE stamps (
    path TEXT PRIMARY KEY,
    stamp TEXT NOT NULL,
    digest TEXT NOT NULL
  ) WITHOUT ROWID;
  CREATE TABLE fingerprints (
    path TEXT PRIMARY KEY,
    record TEXT NOT NULL
  ) WITHOUT ROWID;
  CREATE TABLE leases (
    id TEXT PRIMARY KEY,
    pid INTEGER NOT NULL,
    beat INTEGER NOT NULL
  ) WITHOUT ROWID;
  `,
  `
  CREATE TABLE chunk_results (
    key TEXT PRIMARY KEY,
    at INTEGER NOT NULL,      -- of the oldest result in it
    result TEXT NOT NULL
  ) WITHOUT ROWID;
  `,
  PACKS_BY_NUMBER,
  CLEARED,
  SEALS,
]

/** How long writers wait for each other, in ms. */
const PATIENCE = 30_000

/** Version of the store's layout. */
export const LAYOUT = MIGRATIONS.length

/**
 * Opens (and, where needed, creates or migrates) the index of a store. WAL with `synchronous = FULL`: a committed
 * transaction survives a power cut; readers never wait for a writer, writers wait up to 30 s for each other.
 */
export const openDatabase = (root: string): DatabaseSync => {
  mkdirSync(root, { recursive: true })
  const db = new DatabaseSync(join(root, "store.db"))
  db.exec(`PRAGMA busy_timeout = ${PATIENCE}`)
  patiently(() => db.exec("PRAGMA journal_mode = WAL"))
  db.exec("PRAGMA synchronous = FULL")
  // Digests are random: a larger cache and rarer checkpoints spare most of the rewriting of pages.
  db.exec("PRAGMA cache_size = -32768")
  db.exec("PRAGMA wal_autocheckpoint = 16384")
  const version = (): number => Number(db.prepare("PRAGMA user_version").get()?.["user_version"] ?? 0)
  const found = version()
  if (found > LAYOUT) {
    db.close()
    throw new Error(
      `the store in ${root} was made by a newer Facet (layout ${found}, this one knows ${LAYOUT})`,
    )
  }
  if (found < LAYOUT) migrate(db, root, version)
  return db
}

/** SQLite's primary result code of a lock that somebody else holds (sqlite.org/rescode.html). */
const BUSY = 5

const isBusy = (error: unknown): boolean =>
  error instanceof Error && "errcode" in error && (Number(error.errcode) & 0xff) === BUSY

/** Does what SQLite itself does not wait with: where two turn a new file into one with a log, one is refused at once. */
const patiently = (body: () => void): void => {
  const until = performance.now() + PATIENCE
  for (;;)
    try {
      return body()
    } catch (error) {
      if (!isBusy(error) || performance.now() > until) throw error
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2)
    }
}

/** Brings the index of an older version, or a new one, to the layout of now. */
const migrate = (db: DatabaseSync, root: string, version: () => number): void => {
  try {
    transaction(db, () => {
      if (version() === 0 && hasBlobs(root)) throw lostIndex(root)
      for (let at = version(); at < LAYOUT; at++) db.exec(MIGRATIONS[at])
      db.exec(`PRAGMA user_version = ${LAYOUT}`)
    })
    // Should the log be lost, the file is an index still.
    checkpoint(db)
  } catch (error) {
    db.close()
    throw error
  }
}

/**
 * Moves the log into the index and empties it, unless somebody is at work on it. Waits for nobody. What fails stays in
 * the log, and nothing is lost.
 */
export const checkpoint = (db: DatabaseSync): void => {
  try {
    db.exec("PRAGMA busy_timeout = 0")
    db.exec("PRAGMA wal_checkpoint(TRUNCATE)")
  } catch {
    // A full disk, say: whoever writes next is told.
  } finally {
    db.exec(`PRAGMA busy_timeout = ${PATIENCE}`)
  }
}

const hasBlobs = (root: string): boolean =>
  ["packs", "objects"].some(
    (name) => existsSync(join(root, name)) && readdirSync(join(root, name)).length > 0,
  )

/** A store with blobs had an index: an empty one in its place would make all of it garbage. */
const lostIndex = (root: string): StoreDamaged =>
  new StoreDamaged({
    digest: "store.db",
    message: `the index of the store in ${root} is lost (store.db is missing or empty): \`dag cache verify --repair\` finds what is in its packs`,
  })

/** Runs `body` in one write transaction: all of it is seen by others, or none. */
export const transaction = <A>(db: DatabaseSync, body: () => A): A => {
  db.exec("BEGIN IMMEDIATE")
  try {
    const result = body()
    db.exec("COMMIT")
    return result
  } catch (error) {
    if (db.isTransaction) db.exec("ROLLBACK")
    throw error
  }
}
