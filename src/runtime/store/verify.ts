import type { NodeTrace, RunRecord } from "../../schema/trace.ts"
import { checkBlobs, dropBlobs } from "./check-blobs.ts"
import { transaction } from "./database.ts"
import { DigestSet } from "./digest-set.ts"
import { StoreDamaged } from "./errors.ts"
import { asBuffer, digestsIn, references, type Root } from "./references.ts"
import { rootsOf } from "./retention.ts"
import { unsealed, type Row } from "./seal.ts"
import type { OpenStore } from "./store.ts"
import { sweepFiles } from "./sweep.ts"

export interface VerifyProblem {
  readonly kind:
    | "damaged-blob"
    | "missing-blob"
    | "damaged-record"
    | "dangling-trace"
    | "dangling-item"
    | "dangling-chunk"
    | "damaged-index"
  /** Digest or key. */
  readonly at: string
  readonly message: string
}

export interface VerifyReport {
  readonly blobs: number
  readonly bytes: number
  readonly traces: number
  /** Results of items and of chunks of items. */
  readonly items: number
  /** How many there are of each kind, and the first of them. */
  readonly counts: Readonly<Partial<Record<VerifyProblem["kind"], number>>>
  readonly problems: ReadonlyArray<VerifyProblem>
  /** Set with `repair`: what is not whole was taken out. Whatever rested on it is computed again. */
  readonly repaired: boolean
}

export interface VerifyOptions {
  readonly repair: boolean
  /** Told now and then: blobs checked, of how many. */
  readonly progress?: (done: number, total: number) => void
}

/** Problems told one by one; the others are counted. */
const MOST_TOLD = 1000
const BATCH = 5_000

export class Problems {
  readonly counts: Partial<Record<VerifyProblem["kind"], number>> = {}
  readonly told: Array<VerifyProblem> = []

  add(kind: VerifyProblem["kind"], at: string, message: string): void {
    this.counts[kind] = (this.counts[kind] ?? 0) + 1
    if (this.told.length < MOST_TOLD) this.told.push({ kind, at, message })
  }
  get any(): boolean {
    return Object.keys(this.counts).length > 0
  }
}

/**
 * Checks every byte of a store against its digest, every record against its seal, and that everything a result names
 * is there. Memory: 16 bytes and less a blob. With `repair`, what is wrong is taken out of the index, so that the
 * next run computes it again; not beside a run.
 */
export const verify = (store: OpenStore, options: VerifyOptions): VerifyReport => {
  const problems = new Problems()
  const { good, bad, blobs, bytes } = checkBlobs(store, problems, options.progress)
  const whole = new Whole(store, good)
  const traces = checkTraces(store, problems, whole, options.repair)
  checkRuns(store, problems, options.repair)
  const items =
    checkParts(store, problems, "items", options.repair, (text) => whole.missing(text)) +
    checkParts(store, problems, "chunk_results", options.repair, (text) =>
      digestsIn(text).find((digest) => !whole.chunk(digest)),
    )
  if (options.repair && problems.any) {
    dropBlobs(store, bad)
    sweepFiles(store)
  }
  return {
    blobs,
    bytes,
    traces,
    items,
    counts: problems.counts,
    problems: problems.told,
    repaired: options.repair && problems.any,
  }
}

/** Whether artifacts and chunks are there with all they name. */
class Whole {
  readonly #store: OpenStore
  readonly #good: DigestSet
  readonly #whole = new DigestSet()

  constructor(store: OpenStore, good: DigestSet) {
    this.#store = store
    this.#good = good
  }

  /** The first blob that a text names and that is not whole. */
  missing(text: Buffer): string | undefined {
    let lost: string | undefined
    references(text, (at) => {
      if (lost === undefined && !this.#good.hasText(text, at)) lost = text.toString("latin1", at, at + 64)
    })
    return lost
  }

  chunk(digest: string): boolean {
    return this.#once(digest, (text) => this.missing(text) === undefined)
  }

  artifact({ digest, table }: Root): boolean {
    if (!table) return this.chunk(digest)
    return this.#once(digest, (text) => digestsIn(text).every((chunk) => this.chunk(chunk)))
  }

  #once(digest: string, check: (text: Buffer) => boolean): boolean {
    if (this.#whole.has(digest)) return true
    if (!this.#good.has(digest)) return false
    try {
      if (!check(asBuffer(this.#store.blobs.get(digest)))) return false
    } catch (error) {
      if (error instanceof StoreDamaged) return false
      throw error
    }
    this.#whole.add(digest)
    return true
  }
}

const checkTraces = (store: OpenStore, problems: Problems, whole: Whole, repair: boolean): number => {
  const { db } = store
  const page = db.prepare(
    "SELECT seq, node, run, key, at, record, seal FROM traces WHERE invalid = 0 AND seq > ? ORDER BY seq LIMIT ?",
  )
  let [count, after] = [0, -1]
  for (;;) {
    const rows = page.all(after, BATCH)
    if (rows.length === 0) return count
    count += rows.length
    after = Number(rows[rows.length - 1]["seq"])
    const damaged: Array<Row> = []
    const dangling = rows.filter((row) => {
      const trace = unsealed<NodeTrace>(row, row["record"])
      const name = `the result of ${String(row["node"])} of run ${String(row["run"])}`
      if (trace === undefined) {
        problems.add("damaged-record", String(row["key"]), `${name} is damaged`)
        damaged.push(row)
        return false
      }
      if (rootsOf(trace.outputs).every((root) => whole.artifact(root))) return false
      problems.add("dangling-trace", trace.key, `${name} is not whole`)
      return true
    })
    if (!repair || damaged.length + dangling.length === 0) continue
    transaction(db, () => {
      const invalidate = db.prepare("UPDATE traces SET invalid = 1 WHERE seq = ?")
      for (const row of dangling) invalidate.run(Number(row["seq"]))
      const drop = db.prepare("DELETE FROM traces WHERE seq = ?")
      for (const row of damaged) drop.run(Number(row["seq"]))
    })
  }
}

const checkRuns = (store: OpenStore, problems: Problems, repair: boolean): void => {
  const { db } = store
  const damaged: Array<string> = []
  for (const row of db.prepare("SELECT id AS key, at, record, seal FROM runs").iterate()) {
    if (unsealed<RunRecord>(row, row["record"]) !== undefined) continue
    problems.add("damaged-record", String(row["key"]), `the record of run ${String(row["key"])} is damaged`)
    damaged.push(String(row["key"]))
  }
  if (repair) for (const id of damaged) db.prepare("DELETE FROM runs WHERE id = ?").run(id)
}

const WORDS = { items: ["dangling-item", "an item"], chunk_results: ["dangling-chunk", "a chunk"] } as const

const checkParts = (
  store: OpenStore,
  problems: Problems,
  table: "items" | "chunk_results",
  repair: boolean,
  missing: (text: Buffer) => string | undefined,
): number => {
  const { db } = store
  const [kind, what] = WORDS[table]
  const page = db.prepare(`SELECT key, at, result, seal FROM ${table} WHERE key > ? ORDER BY key LIMIT ?`)
  const isWrong = (row: Row): boolean => {
    const key = String(row["key"])
    if (unsealed(row, row["result"]) === undefined) {
      problems.add("damaged-record", key, `the result of ${what} is damaged`)
      return true
    }
    const lost = missing(Buffer.from(String(row["result"])))
    if (lost !== undefined) problems.add(kind, key, `the result of ${what} names ${lost}, which is not whole`)
    return lost !== undefined
  }
  let [count, after] = [0, ""]
  for (;;) {
    const rows = page.all(after, BATCH)
    if (rows.length === 0) return count
    count += rows.length
    after = String(rows[rows.length - 1]["key"])
    const wrong = rows.filter(isWrong)
    if (repair && wrong.length > 0)
      transaction(db, () => {
        const drop = db.prepare(`DELETE FROM ${table} WHERE key = ?`)
        for (const row of wrong) drop.run(String(row["key"]))
      })
  }
}
