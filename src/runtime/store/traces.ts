import type { DatabaseSync } from "node:sqlite"
import type { Digest } from "../../schema/digest.ts"
import type { NodeTrace, RunRecord } from "../../schema/trace.ts"
import { transaction } from "./database.ts"

/** What one item of a mapping node gave, as stored: rows as the implementation made them, before they are laid over the item. */
export interface ItemResult {
  /** Whether one row was returned bare: then it keeps its item's id. */
  readonly rows: ReadonlyArray<Readonly<Record<string, unknown>>>
  readonly rejected: ReadonlyArray<Readonly<Record<string, unknown>>>
}

/** The memory of a store: what was computed, when and why. */
export class Traces {
  readonly #db: DatabaseSync
  readonly #byKey
  readonly #byNode
  readonly #add
  readonly #item
  readonly #addItem

  constructor(db: DatabaseSync) {
    this.#db = db
    this.#byKey = db.prepare(
      "SELECT record FROM traces WHERE key = ? AND invalid = 0 ORDER BY seq DESC LIMIT 1",
    )
    this.#byNode = db.prepare(
      "SELECT record FROM traces WHERE pipeline = ? AND node = ? AND invalid = 0 ORDER BY seq DESC LIMIT ?",
    )
    this.#add = db.prepare(
      "INSERT INTO traces (key, pipeline, node, run, at, record) VALUES (?, ?, ?, ?, ?, ?)",
    )
    this.#item = db.prepare("SELECT result FROM items WHERE key = ? AND at >= ?")
    this.#addItem = db.prepare("INSERT OR REPLACE INTO items (key, at, result) VALUES (?, ?, ?)")
  }

  /** The newest valid trace of a key. */
  find(key: Digest): NodeTrace | undefined {
    const row = this.#byKey.get(key)
    return row === undefined ? undefined : (JSON.parse(row["record"] as string) as NodeTrace)
  }

  /** The newest traces of a node of a pipeline, newest first. */
  ofNode(pipeline: string, node: string, limit = 1): ReadonlyArray<NodeTrace> {
    return this.#byNode
      .all(pipeline, node, limit)
      .map((row) => JSON.parse(row["record"] as string) as NodeTrace)
  }

  add(trace: NodeTrace): void {
    this.#add.run(trace.key, trace.pipeline, trace.node, trace.run, trace.startedAt, JSON.stringify(trace))
  }

  all(): ReadonlyArray<NodeTrace> {
    return this.#db
      .prepare("SELECT record FROM traces WHERE invalid = 0 ORDER BY seq")
      .all()
      .map((row) => JSON.parse(row["record"] as string) as NodeTrace)
  }

  /** Marks traces of a key wrong: they are kept for the record and never reused. */
  invalidate(key: Digest): void {
    this.#db.prepare("UPDATE traces SET invalid = 1 WHERE key = ?").run(key)
  }

  hasItem(key: Digest, since: number): boolean {
    return this.#item.get(key, since) !== undefined
  }

  /** The result of an item, unless it is older than `since` (Unix ms; Infinity refuses all). */
  item(key: Digest, since: number): ItemResult | undefined {
    const row = this.#item.get(key, since)
    return row === undefined ? undefined : (JSON.parse(row["result"] as string) as ItemResult)
  }

  addItems(results: ReadonlyArray<readonly [key: Digest, result: ItemResult]>, at: number): void {
    if (results.length === 0) return
    transaction(this.#db, () => {
      for (const [key, result] of results) this.#addItem.run(key, at, JSON.stringify(result))
    })
  }

  dropItem(key: string): void {
    this.#db.prepare("DELETE FROM items WHERE key = ?").run(key)
  }

  *items(): Generator<readonly [key: string, at: number, result: ItemResult]> {
    for (const row of this.#db.prepare("SELECT key, at, result FROM items").iterate()) {
      yield [row["key"] as string, Number(row["at"]), JSON.parse(row["result"] as string) as ItemResult]
    }
  }

  saveRun(record: RunRecord): void {
    this.#db
      .prepare("INSERT OR REPLACE INTO runs (id, at, record) VALUES (?, ?, ?)")
      .run(record.id, record.startedAt, JSON.stringify(record))
  }

  /** Newest first. */
  runs(limit = 50): ReadonlyArray<RunRecord> {
    return this.#db
      .prepare("SELECT record FROM runs ORDER BY at DESC, id DESC LIMIT ?")
      .all(limit)
      .map((row) => JSON.parse(row["record"] as string) as RunRecord)
  }

  run(id: string): RunRecord | undefined {
    const row = this.#db.prepare("SELECT record FROM runs WHERE id = ?").get(id)
    return row === undefined ? undefined : (JSON.parse(row["record"] as string) as RunRecord)
  }
}
