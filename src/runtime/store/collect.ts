import { compactPacks } from "./compact.ts"
import { sweepFiles } from "./sweep.ts"
import { transaction } from "./database.ts"
import { currentEpoch } from "./epoch.ts"
import { StoreError } from "./errors.ts"
import { beginCollection, endCollection, renewCollection } from "./leases.ts"
import { applyForgotten } from "./forget.ts"
import { purge, type Purged } from "./purge.ts"
import { purgeAsked } from "./purge-asked.ts"
import { Marking, type KeptFor } from "./marking.ts"
import type { Policy } from "./retention.ts"
import { dropParts } from "./drop-parts.ts"
import { sweepTemporary } from "./scratch.ts"
import type { OpenStore } from "./store.ts"

export interface CollectOptions extends Policy {
  /** The folder of the project whose removal requests hold. */
  readonly project?: string
  readonly dryRun: boolean
  readonly now: number
}

export interface CollectReport extends KeptFor {
  readonly keptBlobs: number
  readonly keptBytes: number
  readonly freedBlobs: number
  readonly freedBytes: number
  readonly freedTraces: number
  /** Results of items and of chunks of items. */
  readonly freedItems: number
  readonly sweptScratch: number
  /** Files of packs and large blobs deleted, and bytes that the folder takes less. */
  readonly deletedFiles: number
  readonly rewrittenPacks: number
  /** Where something was forgotten since the last complete purge: whether its bytes are gone from the disk. */
  readonly purged?: Purged
}

/** Rows handled in one transaction: short enough that nobody waits long for it. */
const BATCH = 20_000
/** How often a collection looks again at what came in while it was marking. */
const MOST_LOOKS = 100

/**
 * Frees what no kept result refers to; may run beside runs. What is kept is marked without any lock. Then, each in a
 * short transaction that first looks whether anything came in since (a run began or ended, a result was recorded):
 * the results that nobody may use any more are dropped; then the blobs that are not marked and older than every run
 * under way and than this collection; then the files that nothing lies in.
 */
export const collect = (store: OpenStore, options: CollectOptions): CollectReport => {
  const steps = collecting(store, options)
  for (;;) {
    const step = steps.next()
    if (step.done === true) return step.value
  }
}

/** `collect` in steps, between which others may do what they like. */
export function* collecting(store: OpenStore, options: CollectOptions): Generator<void, CollectReport> {
  const { dryRun, now } = options
  const own = dryRun ? currentEpoch(store.db) + 1 : beginCollection(store, now)
  if (own === undefined)
    throw new StoreError({
      operation: "collect",
      message: "another collection of this store is under way",
      cause: undefined,
    })
  try {
    // What is freed is not left in free pages of the index.
    store.db.exec("PRAGMA secure_delete = ON")
    if (!dryRun && options.project !== undefined) applyForgotten(store, options.project)
    const asked = dryRun ? 0 : purgeAsked(store.db)
    const sweptScratch = dryRun ? 0 : sweepTemporary(store)
    const marking = new Marking(store, options)
    marking.look()
    yield
    const results = yield* dropResults(store, marking, dryRun)
    const blobs = yield* dropBlobs(store, marking, own, dryRun)
    const files = dryRun ? { deleted: 0 } : sweepFiles(store)
    yield
    const purged = asked === 0 ? undefined : purge(store, asked, marking.leases)
    const rewritten = dryRun ? 0 : compactPacks(store, { thorough: false }).rewritten
    return {
      ...marking.report(),
      ...results,
      ...blobs,
      sweptScratch,
      deletedFiles: files.deleted,
      ...(purged === undefined ? {} : { purged }),
      rewrittenPacks: rewritten,
    }
  } finally {
    if (!dryRun) endCollection(store)
  }
}

/** Drops the results of nodes, items and chunks that nobody may use any more. */
function* dropResults(
  store: OpenStore,
  marking: Marking,
  dryRun: boolean,
): Generator<void, Pick<CollectReport, "freedTraces" | "freedItems">> {
  for (let look = 0; ; look++) {
    yield
    const dropped = transaction(store.db, () => {
      if (marking.stale) return false
      const drop = store.db.prepare("DELETE FROM traces WHERE seq = ?")
      if (!dryRun) for (const { seq } of marking.dropped) drop.run(seq)
      return true
    })
    if (dropped) break
    if (look === MOST_LOOKS)
      throw new StoreError({
        operation: "collect",
        message: "runs began and ended all the time: collect again when there is less to do",
        cause: undefined,
      })
    marking.look()
  }
  const freedItems =
    (yield* dropParts(store, marking, "items", dryRun)) +
    (yield* dropParts(store, marking, "chunk_results", dryRun))
  return { freedTraces: marking.dropped.length, freedItems }
}

/** Blobs that nothing marked names and that are older than everything under way. */
function* dropBlobs(
  store: OpenStore,
  marking: Marking,
  own: number,
  dryRun: boolean,
): Generator<void, Pick<CollectReport, "keptBlobs" | "keptBytes" | "freedBlobs" | "freedBytes">> {
  // A run that has ended since may have named, in its last moment, what it had put before this collection began.
  const limit = Math.min(own, ...marking.leases.map(({ epoch }) => epoch))
  const page = store.db.prepare(
    "SELECT digest, bytes, epoch FROM blobs WHERE digest > ? ORDER BY digest LIMIT ?",
  )
  const drop = store.db.prepare("DELETE FROM blobs WHERE digest = ? AND epoch < ?")
  const report = { keptBlobs: 0, keptBytes: 0, freedBlobs: 0, freedBytes: 0 }
  let after: Uint8Array = new Uint8Array()
  for (;;) {
    yield
    const rows = page.all(after, BATCH)
    if (rows.length === 0) return report
    after = rows[rows.length - 1]["digest"] as Uint8Array
    const count = (bytes: number, freed: boolean): void => {
      report[freed ? "freedBlobs" : "keptBlobs"]++
      report[freed ? "freedBytes" : "keptBytes"] += bytes
    }
    const unmarked: Array<(typeof rows)[number]> = []
    for (const row of rows) {
      const free = Number(row["epoch"]) < limit && !marking.marks.set.hasBytes(row["digest"] as Uint8Array)
      if (free) unmarked.push(row)
      else count(Number(row["bytes"]), false)
    }
    if (dryRun) for (const row of unmarked) count(Number(row["bytes"]), true)
    else if (unmarked.length > 0)
      transaction(store.db, () => {
        renewCollection(store)
        for (const row of unmarked)
          count(Number(row["bytes"]), drop.run(row["digest"] as Uint8Array, limit).changes === 1)
      })
  }
}
