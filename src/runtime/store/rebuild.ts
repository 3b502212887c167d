import * as fs from "node:fs"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { openDatabase, transaction } from "./database.ts"
import { askForPurge } from "./purge-asked.ts"
import { syncFolder } from "./durable-files.ts"
import { digestOfFile } from "./large-file.ts"
import { scanPack } from "./pack.ts"

/** Tables that are copied as far as they can be read, with the column they are ordered by. */
const TABLES = [
  ["traces", "seq"],
  ["items", "key"],
  ["chunk_results", "key"],
  ["runs", "id"],
  ["fingerprints", "path"],
  ["counters", "name"],
] as const

const BATCH = 1000

/**
 * Builds the index of a store anew: blobs from the headers of packs and the names of large files, results from what
 * can still be read of the damaged index, which is kept beside it. Nobody else may use the store meanwhile. Says what
 * it found. Blobs of packs of earlier versions, which have no headers, are taken from the old index.
 */
export const rebuildIndex = (root: string): string => {
  const folder = join(root, "tmp", `${process.pid}-${crypto.randomUUID()}`)
  fs.mkdirSync(folder, { recursive: true })
  const db = openDatabase(folder)
  let found: string
  try {
    const blobs = enterBlobs(root, db)
    const records = salvage(root, db)
    // Blobs that were freed lie in their packs still, and are found again.
    askForPurge(db)
    found = `the index was rebuilt: ${blobs} blobs, ${records} records; the old one is kept as `
    db.exec("PRAGMA wal_checkpoint(TRUNCATE)")
  } finally {
    db.close()
  }
  const index = join(root, "store.db")
  const kept = `store.db.damaged-${Date.now().toString(36)}`
  if (fs.existsSync(index)) fs.linkSync(index, join(root, kept))
  if (fs.existsSync(`${index}-wal`)) fs.renameSync(`${index}-wal`, join(root, `${kept}-wal`))
  fs.rmSync(`${index}-shm`, { force: true })
  const fd = fs.openSync(join(folder, "store.db"), "r+")
  fs.fsyncSync(fd)
  fs.closeSync(fd)
  fs.renameSync(join(folder, "store.db"), index)
  syncFolder(root)
  fs.rmSync(folder, { recursive: true, force: true })
  return `${found}${kept}`
}

const enterBlobs = (root: string, db: DatabaseSync): number => {
  const pack = db.prepare("INSERT INTO packs (path) VALUES (?) RETURNING id")
  const blob = db.prepare(
    "INSERT OR IGNORE INTO blobs (digest, pack, offset, bytes, epoch) VALUES (unhex(?), ?, ?, ?, 1)",
  )
  let blobs = 0
  for (const path of filesIn(root, "packs"))
    transaction(db, () => {
      const id = Number(pack.get(path)!["id"])
      scanPack(join(root, path), ({ digest, offset, bytes }) => {
        blobs += Number(blob.run(digest, id, offset, bytes).changes)
      })
    })
  for (const folder of filesIn(root, "objects")) {
    for (const path of filesIn(root, folder)) {
      const digest = /^objects\/([0-9a-f]{2})\/([0-9a-f]{62})/u.exec(path)
      const found = digestOfFile(join(root, path))
      if (digest === null || found.digest !== `${digest[1]}${digest[2]}`) continue
      const id = Number(pack.get(path)!["id"])
      blobs += Number(blob.run(found.digest, id, 0, found.bytes).changes)
    }
  }
  return blobs
}

const filesIn = (root: string, folder: string): ReadonlyArray<string> =>
  fs.existsSync(join(root, folder))
    ? fs
        .readdirSync(join(root, folder))
        .sort()
        .map((name) => `${folder}/${name}`)
    : []

/** Copies records from both ends of each table until they can not be read any more. */
const salvage = (root: string, into: DatabaseSync): number => {
  let from: DatabaseSync
  try {
    from = new DatabaseSync(join(root, "store.db"), { readOnly: true })
  } catch {
    return 0
  }
  let copied = 0
  for (const [table, key] of TABLES)
    for (const order of ["ASC", "DESC"]) copied += copyUntilDamage(from, into, table, key, order)
  copied += copyPlaces(from, into)
  try {
    from.close()
  } catch {
    // It was damaged: what could be read was read.
  }
  return copied
}

const copyUntilDamage = (
  from: DatabaseSync,
  into: DatabaseSync,
  table: string,
  key: string,
  order: string,
): number => {
  let copied = 0
  const batch: Array<Record<string, unknown>> = []
  const write = (): void => {
    if (batch.length === 0) return
    const columns = Object.keys(batch[0])
    const insert = into.prepare(
      `INSERT OR IGNORE INTO ${table} (${columns.join(", ")}) VALUES (${columns.map(() => "?").join(", ")})`,
    )
    const rows = batch.splice(0)
    transaction(into, () => {
      for (const row of rows) copied += Number(insert.run(...(Object.values(row) as Array<string>)).changes)
    })
  }
  try {
    for (const row of from.prepare(`SELECT * FROM ${table} ORDER BY ${key} ${order}`).iterate()) {
      batch.push(row)
      if (batch.length >= BATCH) write()
    }
  } catch {
    // As far as it could be read.
  }
  write()
  return copied
}

/** Blobs in packs without headers: only the old index knows where they lie. Every read checks their digests. */
const copyPlaces = (from: DatabaseSync, into: DatabaseSync): number => {
  const insert = into.prepare(
    "INSERT OR IGNORE INTO blobs (digest, pack, offset, bytes, epoch) SELECT ?, id, ?, ?, 1 FROM packs WHERE path = ?",
  )
  let copied = 0
  try {
    const rows = from
      .prepare("SELECT digest, path, offset, bytes FROM blobs JOIN packs ON id = pack")
      .iterate()
    for (const row of rows)
      copied += Number(
        insert.run(
          row["digest"] as Uint8Array,
          Number(row["offset"]),
          Number(row["bytes"]),
          String(row["path"]),
        ).changes,
      )
  } catch {
    // As far as it could be read.
  }
  return copied
}
