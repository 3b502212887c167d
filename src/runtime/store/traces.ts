import type { DatabaseSync } from "node:sqlite"
import type { Digest } from "../../schema/digest.ts"
import type { NodeTrace, RunRecord } from "../../schema/trace.ts"
import type { ChunkRun } from "./chunker.ts"
import { transaction } from "./database.ts"
import { seal, unsealed, type Row } from "./seal.ts"

/** What one item of a mapping node gave, as stored: rows as the implementation made them, before they are laid over the item. */
export interface ItemResult {
  readonly rows: ReadonlyArray<Readonly<Record<string, unknown>>>
  readonly rejected: ReadonlyArray<Readonly<Record<string, unknown>>>
}

/** What a mapping node made of one chunk of its table, whole: kept only where no item failed. */
export interface ChunkResult {
  readonly items: number
  /** Rows by output port. */
  readonly ports: { readonly [port: string]: ChunkRun }
  /**
   * By port, how many rows each item gave, as `[rows, times, rows, times …]`; absent where the rows are not in the
   * order of their items, so that it cannot be said which are whose.
   */
  readonly shape?: { readonly [port: string]: ReadonlyArray<number> }
  /** The set of removal requests under which it was made. */
  readonly forgotten?: string
}

/** Something kept, with the time (Unix ms) of what it was made from. */
export interface Kept<A> {
  readonly at: number
  readonly result: A
}

/** The memory of a store: what was computed, when and why. */
export class Traces {
  readonly #db: DatabaseSync
  readonly #byKey
  readonly #byNode
  readonly #add
  readonly #item
  readonly #hasItem
  readonly #addItem
  readonly #chunk
  readonly #addChunk
  /** Traces and chunk results that this process has said and that are not in the index yet. */
  #said: Array<NodeTrace> = []
  readonly #saidByKey = new Map<Digest, NodeTrace>()
  #saidChunks: Array<readonly [Digest, Kept<ChunkResult>]> = []

  constructor(db: DatabaseSync) {
    this.#db = db
    this.#byKey = db.prepare(
      "SELECT key, at, record, seal FROM traces WHERE key = ? AND invalid = 0 ORDER BY seq DESC LIMIT 1",
    )
    this.#byNode = db.prepare(
      "SELECT key, at, record, seal FROM traces WHERE pipeline = ? AND node = ? AND invalid = 0 ORDER BY seq DESC LIMIT ?",
    )
    this.#add = db.prepare(
      "INSERT INTO traces (key, pipeline, node, run, at, record, seal) VALUES (?, ?, ?, ?, ?, ?, ?)",
    )
    this.#item = db.prepare("SELECT at, result, seal FROM items WHERE key = ? AND at >= ?")
    this.#hasItem = db.prepare("SELECT 1 FROM items WHERE key = ? AND at >= ?")
    this.#addItem = db.prepare("INSERT OR REPLACE INTO items (key, at, result, seal) VALUES (?, ?, ?, ?)")
    this.#chunk = db.prepare("SELECT at, result, seal FROM chunk_results WHERE key = ? AND at >= ?")
    this.#addChunk = db.prepare(
      "INSERT OR REPLACE INTO chunk_results (key, at, result, seal) VALUES (?, ?, ?, ?)",
    )
  }

  /** The newest valid trace of a key. */
  find(key: Digest): NodeTrace | undefined {
    const said = this.#saidByKey.get(key)
    if (said !== undefined) return said
    const row = this.#byKey.get(key)
    return row === undefined ? undefined : unsealed<NodeTrace>(row, row["record"])
  }

  /** The newest traces of a node of a pipeline, newest first. */
  ofNode(pipeline: string, node: string, limit = 1): ReadonlyArray<NodeTrace> {
    const said = this.#said.filter((trace) => trace.pipeline === pipeline && trace.node === node).reverse()
    const kept = this.#byNode
      .all(pipeline, node, limit)
      .flatMap((row) => unsealed<NodeTrace>(row, row["record"]) ?? [])
    return [...said, ...kept].slice(0, limit)
  }

  /** Adds a trace, seen by this process at once, by others when the store is next published. */
  add(trace: NodeTrace): void {
    this.#said.push(trace)
    this.#saidByKey.set(trace.key, trace)
  }

  /** Adds the result of a chunk; in the index when the store is next published. */
  addChunk(key: Digest, result: ChunkResult, at: number): void {
    this.#saidChunks.push([key, { at, result }])
  }

  /** Whether something waits to be written. */
  get waiting(): boolean {
    return this.#said.length > 0 || this.#saidChunks.length > 0
  }

  /** Writes what waits; to be called within the transaction that makes the blobs it names findable. */
  write(): void {
    for (const trace of this.#said) {
      const { key, pipeline, node, run, startedAt } = trace
      const text = JSON.stringify(trace)
      this.#add.run(key, pipeline, node, run, startedAt, text, seal(key, startedAt, text))
    }
    for (const [key, { at, result }] of this.#saidChunks) {
      const text = JSON.stringify(result)
      this.#addChunk.run(key, at, text, seal(key, at, text))
    }
  }

  /** What waited is written. */
  written(): void {
    this.#said = []
    this.#saidByKey.clear()
    this.#saidChunks = []
  }

  all(): ReadonlyArray<NodeTrace> {
    return this.#db
      .prepare("SELECT key, at, record, seal FROM traces WHERE invalid = 0 ORDER BY seq")
      .all()
      .flatMap((row) => unsealed<NodeTrace>(row, row["record"]) ?? [])
  }

  /** Marks traces of a key wrong: they are kept for the record and never reused. */
  invalidate(key: Digest): void {
    this.#db.prepare("UPDATE traces SET invalid = 1 WHERE key = ?").run(key)
  }

  /** Whether there was a result of a key that was taken back. */
  wasInvalidated(key: Digest): boolean {
    return this.#db.prepare("SELECT 1 FROM traces WHERE key = ? AND invalid = 1").get(key) !== undefined
  }

  hasItem(key: Digest, since: number): boolean {
    return this.#hasItem.get(key, since) !== undefined
  }

  /** The result of an item, unless it is older than `since` (Unix ms; Infinity refuses all). */
  item(key: Digest, since: number): Kept<ItemResult> | undefined {
    const row = this.#item.get(key, since)
    return row === undefined ? undefined : keptOf<ItemResult>(key, row)
  }

  addItems(results: ReadonlyArray<readonly [key: Digest, result: ItemResult]>, at: number): void {
    if (results.length === 0) return
    transaction(this.#db, () => {
      for (const [key, result] of results) {
        const text = JSON.stringify(result)
        this.#addItem.run(key, at, text, seal(key, at, text))
      }
    })
  }

  /** The result of a chunk, unless one of its items' is older than `since`. */
  chunk(key: Digest, since: number): Kept<ChunkResult> | undefined {
    const row = this.#chunk.get(key, since)
    return row === undefined ? undefined : keptOf<ChunkResult>(key, row)
  }

  saveRun(record: RunRecord): void {
    const text = JSON.stringify(record)
    this.#db
      .prepare("INSERT OR REPLACE INTO runs (id, at, record, seal) VALUES (?, ?, ?, ?)")
      .run(record.id, record.startedAt, text, seal(record.id, record.startedAt, text))
  }

  /** Newest first. */
  runs(limit = 50): ReadonlyArray<RunRecord> {
    return this.#db
      .prepare("SELECT id AS key, at, record, seal FROM runs ORDER BY at DESC, id DESC LIMIT ?")
      .all(limit)
      .flatMap((row) => unsealed<RunRecord>(row, row["record"]) ?? [])
  }

  run(id: string): RunRecord | undefined {
    const row = this.#db.prepare("SELECT id AS key, at, record, seal FROM runs WHERE id = ?").get(id)
    return row === undefined ? undefined : unsealed<RunRecord>(row, row["record"])
  }
}

const keptOf = <A>(key: string, row: Row): Kept<A> | undefined => {
  const result = unsealed<A>({ ...row, key }, row["result"])
  return result === undefined ? undefined : { at: Number(row["at"]), result }
}
