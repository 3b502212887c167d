import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs"
import { join } from "node:path"
import { compactPacks } from "./compact.ts"
import type { Lease } from "./leases.ts"
import { purgeDone } from "./purge-asked.ts"
import type { OpenStore } from "./store.ts"

/** Whether bytes that were forgotten are gone from the disk, or why not yet. */
export type Purged = { readonly done: true } | { readonly done: false; readonly because: string }

/**
 * Removes from the disk what a collection has freed: packs with any freed byte are rewritten without it, pages laid
 * out under `out/` go with their results, the index is written anew and its log cut off. (What the file system does
 * with freed blocks is not ours to say.)
 */
export const purge = (store: OpenStore, asked: number, leases: ReadonlyArray<Lease>): Purged => {
  removePages(store)
  removeOldIndexes(store)
  if (leases.length > 0)
    return { done: false, because: `${leases.map(({ id }) => id).join(", ")} is under way` }
  const { left } = compactPacks(store, { thorough: true })
  const kept = [...store.forgotten.list.digests].filter((digest) => store.blobs.has(digest))
  store.db.exec("DELETE FROM cleared WHERE digest NOT IN (SELECT digest FROM blobs)")
  store.db.exec("VACUUM")
  const cut = store.db.prepare("PRAGMA wal_checkpoint(TRUNCATE)").get()
  if (left > 0) return { done: false, because: "a process that is alive holds a pack, or one is damaged" }
  if (kept.length > 0)
    return { done: false, because: `results that are kept still name ${kept.length} of the pictures` }
  if (Number(cut?.["busy"]) !== 0) return { done: false, because: "another process is reading the store" }
  purgeDone(store.db, asked)
  return { done: true }
}

/** Indexes that were too damaged to be used and were kept aside. */
const removeOldIndexes = (store: OpenStore): void => {
  for (const name of readdirSync(store.root))
    if (name.startsWith("store.db.damaged-")) rmSync(join(store.root, name), { force: true })
}

/** What was laid out for a person goes when its result has gone. */
const removePages = (store: OpenStore): void => {
  const out = join(store.root, "out")
  if (!existsSync(out)) return
  for (const name of readdirSync(out)) {
    const mark = join(out, name, ".digest")
    const digest = existsSync(mark) ? readFileSync(mark, "utf8").trim() : ""
    if (/^[0-9a-f]{64}$/u.test(digest) && !store.blobs.has(digest))
      rmSync(join(out, name), { recursive: true, force: true })
  }
}
