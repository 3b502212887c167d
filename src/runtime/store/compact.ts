import { rmSync, statSync } from "node:fs"
import { join } from "node:path"
import { BlobReader } from "./blob-reader.ts"
import { transaction } from "./database.ts"
import { StoreDamaged } from "./errors.ts"
import { hasHeaders, isBeingWritten } from "./own-files.ts"
import { RECORD_HEADER, PACK_HEADER, PackWriter } from "./pack.ts"
import { allPacks, livePacks, type PackRow } from "./sweep.ts"
import type { OpenStore } from "./store.ts"

/** A pack is rewritten when less of it than this is in use. */
const LIVE_SHARE = 0.5
/** Each process that puts blobs leaves a pack: when there are many small ones they are laid together. */
const SMALL_BYTES = 8 << 20
const MOST_SMALL = 64
const PACK_BYTES = 256 << 20
/** Blobs moved in one transaction. */
const BATCH = 5_000

export interface Compaction {
  readonly rewritten: number
  /** Packs with bytes that nobody refers to which could not be rewritten: their writer is alive, or they are damaged. */
  readonly left: number
}

/**
 * Moves the blobs of packs that are mostly unused into new packs and deletes the old ones; `thorough`: of all packs
 * with any unused byte, so that what was deleted is gone from the disk. Beside runs: a reader that looked a blob up
 * before it was moved has the old file open, or finds it gone and looks again.
 */
export const compactPacks = (store: OpenStore, options: { readonly thorough: boolean }): Compaction => {
  const live = livePacks(store)
  const mover = new Mover(store)
  let [rewritten, left] = [0, 0]
  try {
    const packs = allPacks(store).flatMap((pack) => {
      if (pack.path.startsWith("objects/")) return []
      const size = statSync(join(store.root, pack.path), { throwIfNoEntry: false })?.size
      return size === undefined ? [] : [{ ...pack, size, ...(live.get(pack.id) ?? { bytes: 0, blobs: 0 }) }]
    })
    const crowded = packs.filter(({ size }) => size < SMALL_BYTES).length > MOST_SMALL
    for (const pack of packs) {
      const { bytes, blobs, size } = pack
      const overhead = hasHeaders(pack.path) ? PACK_HEADER + blobs * RECORD_HEADER : 0
      const worthIt =
        (options.thorough && bytes + overhead < size) ||
        bytes < size * LIVE_SHARE ||
        (crowded && size < SMALL_BYTES)
      if (!worthIt) continue
      if (isBeingWritten(store.root, pack.path) || !mover.empty(pack)) left++
      else rewritten++
    }
  } finally {
    mover.close()
  }
  return { rewritten, left }
}

class Mover {
  readonly #store: OpenStore
  readonly #reader: BlobReader
  #pack: PackWriter | undefined

  constructor(store: OpenStore) {
    this.#store = store
    this.#reader = new BlobReader(store.root, store.db)
  }

  /** Moves all blobs of a pack and deletes it; false where one of them is damaged and stays, and the pack with it. */
  empty({ id, path }: PackRow): boolean {
    const { db, root } = this.#store
    const rows = db.prepare("SELECT digest, offset, bytes FROM blobs WHERE pack = ? ORDER BY offset").all(id)
    let whole = true
    for (let at = 0; at < rows.length; at += BATCH) {
      const moved: Array<readonly [Uint8Array, number]> = []
      const pack = (this.#pack ??= new PackWriter(root))
      for (const row of rows.slice(at, at + BATCH)) {
        const digest = row["digest"] as Uint8Array
        const place = { path, offset: Number(row["offset"]), bytes: Number(row["bytes"]) }
        try {
          moved.push([
            digest,
            pack.append(digest, this.#reader.readAt(Buffer.from(digest).toString("hex"), place)),
          ])
        } catch (error) {
          if (!(error instanceof StoreDamaged)) throw error
          whole = false
        }
      }
      this.#point(id, pack, moved)
      if (pack.size >= PACK_BYTES) this.#closePack()
    }
    if (!whole) return false
    transaction(db, () => db.prepare("DELETE FROM packs WHERE id = ?").run(id))
    rmSync(join(root, path), { force: true })
    return true
  }

  close(): void {
    this.#closePack()
    this.#reader.close()
  }

  /** Makes the copies durable, then points the index there. A blob that was dropped meanwhile stays dropped. */
  #point(from: number, pack: PackWriter, moved: ReadonlyArray<readonly [Uint8Array, number]>): void {
    pack.sync()
    const { db } = this.#store
    transaction(db, () => {
      const known = db.prepare("SELECT id FROM packs WHERE path = ?").get(pack.path)
      const to = Number(
        (known ?? db.prepare("INSERT INTO packs (path) VALUES (?) RETURNING id").get(pack.path)!)["id"],
      )
      const point = db.prepare("UPDATE blobs SET pack = ?, offset = ? WHERE digest = ? AND pack = ?")
      for (const [digest, offset] of moved) point.run(to, offset, digest, from)
    })
  }

  #closePack(): void {
    this.#pack?.close()
    this.#pack = undefined
  }
}
