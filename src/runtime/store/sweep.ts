import { existsSync, readdirSync, rmSync } from "node:fs"
import { join } from "node:path"
import { transaction } from "./database.ts"
import { isBeingWritten } from "./own-files.ts"
import type { OpenStore } from "./store.ts"

/** Bytes and blobs that the index has in each pack and file of a large blob, by number. */
export const livePacks = (
  store: OpenStore,
): ReadonlyMap<number, { readonly bytes: number; readonly blobs: number }> => {
  const live = new Map<number, { bytes: number; blobs: number }>()
  const rows = store.db
    .prepare("SELECT pack, SUM(bytes) AS bytes, COUNT(*) AS blobs FROM blobs GROUP BY pack")
    .iterate()
  for (const row of rows)
    live.set(Number(row["pack"]), { bytes: Number(row["bytes"]), blobs: Number(row["blobs"]) })
  return live
}

export interface PackRow {
  readonly id: number
  readonly path: string
}
export const allPacks = (store: OpenStore): ReadonlyArray<PackRow> =>
  store.db
    .prepare("SELECT id, path FROM packs")
    .all()
    .map((row) => ({ id: Number(row["id"]), path: String(row["path"]) }))

/**
 * Deletes files in which the index has nothing, and those that it never heard of and whose writer is gone. The row
 * goes first: a crash between the two leaves a file without a row, which the next sweep finds.
 */
export const sweepFiles = (store: OpenStore): { readonly deleted: number } => {
  // In this order: a pack that is entered after the packs are read has its blobs entered with it.
  const packs = allPacks(store)
  const live = livePacks(store)
  // A pack may get more blobs from its writer; the file of a large blob never gets another.
  const empty = packs.filter(
    ({ id, path }) => !live.has(id) && (path.startsWith("objects/") || !isBeingWritten(store.root, path)),
  )
  const drop = store.db.prepare("DELETE FROM packs WHERE id = ?")
  transaction(store.db, () => {
    for (const { id } of empty) drop.run(id)
  })
  let deleted = 0
  const remove = (path: string): void => {
    if (!existsSync(join(store.root, path))) return
    rmSync(join(store.root, path), { force: true })
    deleted++
  }
  for (const { path } of empty) remove(path)
  for (const path of strayFiles(store)) remove(path)
  return { deleted }
}

const filesIn = (root: string, folder: string): ReadonlyArray<string> =>
  existsSync(join(root, folder)) ? readdirSync(join(root, folder)).map((name) => `${folder}/${name}`) : []

/** Files of packs and large blobs that are not in the index and never will be. */
const strayFiles = (store: OpenStore): ReadonlyArray<string> => {
  const { root } = store
  const files = [
    ...filesIn(root, "packs"),
    ...filesIn(root, "objects").flatMap((folder) => filesIn(root, folder)),
  ]
  // Asked before the index is: whoever is gone by then has said what it had to say.
  const ended = files.filter((path) => !isBeingWritten(root, path))
  const known = new Set(allPacks(store).map(({ path }) => path))
  return ended.filter((path) => !known.has(path))
}
