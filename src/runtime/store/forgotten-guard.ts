import { statSync } from "node:fs"
import { join } from "node:path"
import type { DatabaseSync } from "node:sqlite"
import type { OutputRecord } from "../../schema/trace.ts"
import type { BlobStore } from "./blobs.ts"
import { transaction } from "./database.ts"
import { StoreDamaged } from "./errors.ts"
import { FORGOTTEN_FILE, NOTHING_FORGOTTEN, readForgotten, type Forgotten } from "./forgotten.ts"
import { asBuffer, digestsIn, type Root } from "./references.ts"
import { rootsOf } from "./retention.ts"
import type { ChunkResult, ItemResult } from "./traces.ts"

/** Written in one transaction. */
const TOGETHER = 4096

const key = (hex: string): Buffer => Buffer.from(hex, "hex")

/**
 * Stands between a project's removal requests and its results: nothing that is about something forgotten enters a
 * table, and no result that holds such a thing is used, wherever it was made. Results made under the same requests
 * bear their mark; others are looked through once, and that they are clean is remembered.
 */
export class ForgottenGuard {
  readonly #db: DatabaseSync
  readonly #blobs: BlobStore
  #stamp = ""
  #list: Forgotten = NOTHING_FORGOTTEN
  #project: string | undefined
  readonly #find
  /** Found to be clean and not written yet. */
  #fresh = new Set<string>()

  constructor(db: DatabaseSync, blobs: BlobStore) {
    this.#db = db
    this.#blobs = blobs
    this.#find = db.prepare("SELECT state FROM cleared WHERE digest = ?")
  }

  get list(): Forgotten {
    return this.#list
  }

  /** The project whose requests hold; undefined where it has none. */
  get project(): string | undefined {
    return this.#list.isEmpty ? undefined : this.#project
  }

  /** From now on the requests of this project hold, as they are now. */
  use(project: string): void {
    const stat = statSync(join(project, FORGOTTEN_FILE), { bigint: true, throwIfNoEntry: false })
    const stamp =
      stat === undefined ? "" : `${project} ${stat.size} ${stat.mtimeNs} ${stat.ctimeNs} ${stat.ino}`
    if (stamp !== "" && stamp === this.#stamp) return
    this.save()
    this.#list = stamp === "" ? NOTHING_FORGOTTEN : readForgotten(project)
    this.#stamp = stamp
    this.#project = project
    const list = this.#list
    this.#blobs.refuse = list.isEmpty ? undefined : (digest) => list.blob(digest)
  }

  /** The mark that results made now bear. */
  get mark(): { readonly forgotten?: string } {
    return this.#list.isEmpty ? {} : { forgotten: this.#list.id }
  }

  /** A result of an item without what is about something forgotten; the same where there is nothing. */
  without(result: ItemResult): ItemResult {
    const list = this.#list
    if (list.isEmpty || ![...result.rows, ...result.rejected].some((row) => list.row(row))) return result
    const gone = result.rows.filter((row) => list.row(row))
    const rejected = result.rejected.map((row) => (list.row(row) ? forgottenReject(row) : row))
    const known = new Set(rejected.map((row) => row["id"]))
    return {
      rows: result.rows.filter((row) => !list.row(row)),
      rejected: [...rejected, ...gone.map(forgottenReject).filter((row) => !known.has(row["id"]))],
    }
  }

  /** Whether a result of a node holds nothing forgotten. */
  allows(trace: {
    readonly forgotten?: string
    readonly outputs: Readonly<Record<string, OutputRecord>>
  }): boolean {
    if (this.#list.isEmpty || trace.forgotten === this.#list.id) return true
    return rootsOf(trace.outputs).every((root) => this.isClean(root))
  }

  /** Whether a result of a chunk holds nothing forgotten. */
  allowsChunk(result: ChunkResult): boolean {
    if (this.#list.isEmpty || result.forgotten === this.#list.id) return true
    return Object.values(result.ports).every(({ chunks }) =>
      chunks.every(({ chunk }) => this.isClean({ digest: chunk.$blob, table: false })),
    )
  }

  /** Whether an artifact, or a chunk of a table, names nothing forgotten. */
  isClean(root: Root): boolean {
    if (this.#isCleared(root.digest)) return true
    const text = this.#text(root.digest)
    // What is damaged is told by whoever uses it.
    if (text === undefined) return true
    if (this.#list.text(text)) return false
    if (root.table && !digestsIn(text).every((digest) => this.isClean({ digest, table: false }))) return false
    this.clear(root.digest)
    return true
  }

  /** Whether something was looked through before, for these very requests, and is clean. */
  isKnown(digest: string, list: Forgotten): boolean {
    return list.id === this.#list.id && this.#isCleared(digest)
  }

  #isCleared(digest: string): boolean {
    if (this.#fresh.has(digest)) return true
    const row = this.#find.get(key(digest))
    return row !== undefined && key(this.#list.id).equals(row["state"] as Uint8Array)
  }

  /** Remembers that something holds nothing forgotten. */
  clear(digest: string): void {
    this.#fresh.add(digest)
    if (this.#fresh.size >= TOGETHER) this.save()
  }

  /** Writes what is remembered: losing it costs a look. */
  save(): void {
    if (this.#fresh.size === 0) return
    const remember = this.#db.prepare("INSERT OR REPLACE INTO cleared (digest, state) VALUES (?, ?)")
    transaction(this.#db, () => {
      for (const digest of this.#fresh) remember.run(key(digest), key(this.#list.id))
    })
    this.#fresh.clear()
  }

  #text(digest: string): Buffer | undefined {
    try {
      return asBuffer(this.#blobs.get(digest))
    } catch (error) {
      if (error instanceof StoreDamaged) return undefined
      throw error
    }
  }
}

type Row = Readonly<Record<string, unknown>>

/** What is left of a row: that there was one. */
export const forgottenReject = (row: Row): Row => ({
  ...(typeof row["id"] === "string" ? { id: row["id"] } : {}),
  reason: "forgotten",
})
