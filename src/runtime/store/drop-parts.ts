import { transaction } from "./database.ts"
import type { Marking } from "./marking.ts"
import { asBuffer, digestsIn } from "./references.ts"
import type { OpenStore } from "./store.ts"

/** Tables with the results of parts of a mapping node's work, each a text that names blobs. */
export type Parts = "items" | "chunk_results"

const BATCH = 5_000

/**
 * Drops results of items, or of chunks of items, that are older than what is kept for its age and of which no blob
 * is kept for another reason. Beside a run none is dropped: it may have looked any of them up.
 */
export function* dropParts(
  store: OpenStore,
  marking: Marking,
  table: Parts,
  dryRun: boolean,
): Generator<void, number> {
  const { db } = store
  const page = db.prepare(`SELECT key, at, result FROM ${table} WHERE key > ? ORDER BY key LIMIT ?`)
  const drop = db.prepare(`DELETE FROM ${table} WHERE key = ? AND at = ?`)
  /** Those kept for their age are marked first: what they name keeps older ones. */
  for (const young of [true, false]) {
    let after = ""
    let dropped = 0
    for (;;) {
      yield
      const rows = page.all(after, BATCH)
      if (rows.length === 0) break
      after = String(rows[rows.length - 1]["key"])
      const old: typeof rows = []
      for (const row of rows) {
        const text = asBuffer(Buffer.from(String(row["result"])))
        const keep = marking.holdsParts || Number(row["at"]) >= marking.keepSince
        if (keep) markPart(marking, table, text)
        else if (!young && !isNamed(marking, text)) old.push(row)
        else if (!young) markPart(marking, table, text)
      }
      dropped += old.length
      if (dryRun || old.length === 0) continue
      const done = transaction(db, () => {
        if (marking.runBegan) return false
        for (const row of old) drop.run(String(row["key"]), Number(row["at"]))
        return true
      })
      if (done) continue
      // A run began meanwhile and may look up what is left.
      dropped -= old.length
      marking.holdParts()
      for (const row of old) markPart(marking, table, asBuffer(Buffer.from(String(row["result"]))))
    }
    if (!young) return dropped
  }
  return 0
}

const markPart = (marking: Marking, table: Parts, text: Buffer): void => {
  if (table === "items") marking.marks.text(text)
  else for (const chunk of digestsIn(text)) marking.marks.chunk(chunk)
}

/** Whether everything a result names is kept anyway. */
const isNamed = (marking: Marking, text: Buffer): boolean => {
  const digests = digestsIn(text)
  return digests.length > 0 && digests.every((digest) => marking.marks.set.has(digest))
}
