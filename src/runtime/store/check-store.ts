import { isIndexDamage, StoreError } from "./errors.ts"
import { beginCollection, endCollection, liveLeases } from "./leases.ts"
import { rebuildIndex } from "./rebuild.ts"
import { openStore, type OpenStore } from "./store.ts"
import { verify, type VerifyOptions, type VerifyReport } from "./verify.ts"

/**
 * Verifies the store in a folder, whatever state it is in. An index that SQLite finds damaged can only be told, or,
 * with `repair`, be rebuilt from what can still be read of it and from the packs; then all is verified and repaired.
 */
export const checkStore = (root: string, options: VerifyOptions): VerifyReport => {
  const damage = indexDamage(root)
  if (damage === undefined) return whole(root, options)
  const problem = { kind: "damaged-index", at: "store.db", message: damage } as const
  if (!options.repair)
    return {
      blobs: 0,
      bytes: 0,
      traces: 0,
      items: 0,
      counts: { "damaged-index": 1 },
      problems: [problem],
      repaired: false,
    }
  const rebuilt = rebuildIndex(root)
  const report = whole(root, options)
  return {
    ...report,
    counts: { ...report.counts, "damaged-index": 1 },
    problems: [{ ...problem, message: `${damage}; ${rebuilt}` }, ...report.problems],
    repaired: true,
  }
}

/** What SQLite says of the index, if it is not "ok". */
const indexDamage = (root: string): string | undefined => {
  let store: OpenStore
  try {
    store = openStore(root)
  } catch (error) {
    if (isIndexDamage(error)) return error.message
    throw error
  }
  try {
    const found = store.db.prepare("PRAGMA integrity_check(5)").all()
    const told = found.map((row) => String(row["integrity_check"])).join("; ")
    return told === "ok" ? undefined : told
  } catch (error) {
    if (isIndexDamage(error)) return error.message
    throw error
  } finally {
    // Nothing was written by this process, and a damaged index may not even be closed in order.
    ignoreDamage(() => store.close())
  }
}

const ignoreDamage = (body: () => void): void => {
  try {
    body()
  } catch (error) {
    if (!isIndexDamage(error)) throw error
  }
}

const refuse = (message: string) => new StoreError({ operation: "verify", message, cause: undefined })

const whole = (root: string, options: VerifyOptions): VerifyReport => {
  const store = openStore(root)
  try {
    const runs = liveLeases(store, Date.now()).map(({ id }) => id)
    if (options.repair && runs.length > 0)
      throw refuse(`the run ${runs.join(", ")} is under way: repair when it has ended`)
    // No collection meanwhile: blobs that move while they are looked at would be missed.
    if (beginCollection(store, Date.now()) === undefined)
      throw refuse("a collection of this store is under way: verify when it has ended")
    try {
      return verify(store, options)
    } finally {
      endCollection(store)
    }
  } finally {
    store.close()
  }
}
