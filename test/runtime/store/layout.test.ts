import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { DatabaseSync } from "node:sqlite"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { afterEach, describe, expect, it } from "vitest"
import { digestOf } from "../../../src/schema/digest.ts"
import { checkStore } from "../../../src/runtime/store/check-store.ts"
import { collect } from "../../../src/runtime/store/collect.ts"
import { LAYOUT } from "../../../src/runtime/store/database.ts"
import { openStore } from "../../../src/runtime/store/store.ts"

const folders: Array<string> = []
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

/** A store as the first layout wrote it: packs without headers, digests as text. */
const ofFirstLayout = () => {
  const root = mkdtempSync(join(tmpdir(), "facet-layout-"))
  folders.push(root)
  const small = ["one", "another"].map((text) => Buffer.from(text))
  const large = Buffer.alloc(1 << 20, 3)
  mkdirSync(join(root, "packs"))
  writeFileSync(join(root, "packs", "abc-1-0.pack"), Buffer.concat(small))
  const file = join(root, "objects", digestOf(large).slice(0, 2), digestOf(large).slice(2))
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, large)
  const db = new DatabaseSync(join(root, "store.db"))
  db.exec(`
    CREATE TABLE blobs (digest TEXT PRIMARY KEY, pack TEXT, offset INTEGER NOT NULL, bytes INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE traces (seq INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL, pipeline TEXT NOT NULL, node TEXT NOT NULL,
      run TEXT NOT NULL, at INTEGER NOT NULL, invalid INTEGER NOT NULL DEFAULT 0, record TEXT NOT NULL);
    CREATE TABLE items (key TEXT PRIMARY KEY, at INTEGER NOT NULL, result TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE runs (id TEXT PRIMARY KEY, at INTEGER NOT NULL, record TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE stamps (path TEXT PRIMARY KEY, stamp TEXT NOT NULL, digest TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE fingerprints (path TEXT PRIMARY KEY, record TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE leases (id TEXT PRIMARY KEY, pid INTEGER NOT NULL, beat INTEGER NOT NULL) WITHOUT ROWID;
    PRAGMA user_version = 1;
  `)
  const insert = db.prepare("INSERT INTO blobs VALUES (?, ?, ?, ?)")
  insert.run(digestOf(small[0]), "abc-1-0", 0, 3)
  insert.run(digestOf(small[1]), "abc-1-0", 3, 7)
  insert.run(digestOf(large), null, 0, large.length)
  const result = JSON.stringify({
    rows: [
      { image: { $blob: digestOf(small[1]), bytes: 7 } },
      { image: { $blob: digestOf(large), bytes: large.length } },
    ],
    rejected: [],
  })
  db.prepare("INSERT INTO items VALUES (?, ?, ?)").run(digestOf("item"), 5, result)
  db.close()
  return { root, blobs: [...small, large] }
}

describe("a store of the first layout", () => {
  it("is taken over whole, and its packs are rewritten by and by", () => {
    const { root, blobs } = ofFirstLayout()
    const store = openStore(root)
    expect(store.db.prepare("PRAGMA user_version").get()).toEqual({ user_version: LAYOUT })
    for (const blob of blobs) expect(digestOf(store.blobs.get(digestOf(blob)))).toBe(digestOf(blob))
    expect(store.traces.item(digestOf("item"), 0)?.result.rows).toHaveLength(2)
    store.close()
    expect(checkStore(root, { repair: false }).problems).toEqual([])
    const again = openStore(root)
    again.db.exec("UPDATE items SET at = 1e15")
    expect(collect(again, { keepRuns: 0, keepMs: 0, dryRun: false, now: Date.now() })).toMatchObject({
      freedBlobs: 1,
    })
    expect(blobs.map((blob) => again.blobs.has(digestOf(blob)))).toEqual([false, true, true])
    again.close()
    expect(checkStore(root, { repair: false }).problems).toEqual([])
  })

  it("of a version to come is refused", () => {
    const { root } = ofFirstLayout()
    const db = new DatabaseSync(join(root, "store.db"))
    db.exec("PRAGMA user_version = 999")
    db.close()
    expect(() => openStore(root)).toThrow(/made by a newer Facet/u)
  })
})
