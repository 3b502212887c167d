import { existsSync } from "node:fs"
import { join } from "node:path"
import { digestOf } from "../../schema/digest.ts"
import { blobsIn } from "../../schema/blob.ts"
import { blobsOfArtifact } from "./artifacts.ts"
import { transaction } from "./database.ts"
import type { OpenStore } from "./store.ts"

export interface VerifyProblem {
  readonly kind: "damaged-blob" | "missing-blob" | "dangling-trace" | "dangling-item" | "damaged-index"
  /** Digest or key. */
  readonly at: string
  readonly message: string
}

export interface VerifyReport {
  readonly blobs: number
  readonly bytes: number
  readonly traces: number
  readonly items: number
  readonly problems: ReadonlyArray<VerifyProblem>
  /** Set with `repair`: blobs dropped, traces and items taken back. Whatever rested on them is computed again. */
  readonly repaired: boolean
}

/**
 * Checks every byte of a store against its digest, and that everything a trace or an item result names is there.
 * With `repair`, what is wrong is taken out of the index, so that the next run computes it again.
 */
export const verify = (store: OpenStore, options: { readonly repair: boolean }): VerifyReport => {
  const problems: Array<VerifyProblem> = []
  const integrity = store.db.prepare("PRAGMA integrity_check").get()?.["integrity_check"]
  if (integrity !== "ok") problems.push({ kind: "damaged-index", at: "store.db", message: String(integrity) })

  const good = new Set<string>()
  let bytes = 0
  const rows = store.db
    .prepare(
      "SELECT lower(hex(digest)) AS digest, path, bytes FROM blobs JOIN packs ON id = pack ORDER BY pack, offset",
    )
    .all()
  for (const row of rows) {
    const digest = String(row["digest"])
    const path = join(store.root, String(row["path"]))
    if (!existsSync(path)) {
      problems.push({ kind: "missing-blob", at: digest, message: `${path} is gone` })
      continue
    }
    try {
      if (digestOf(store.blobs.get(digest)) !== digest) throw new Error("wrong digest")
      good.add(digest)
      bytes += Number(row["bytes"])
    } catch (error) {
      problems.push({
        kind: "damaged-blob",
        at: digest,
        message: error instanceof Error ? error.message : String(error),
      })
    }
  }

  let traces = 0
  const wrongTraces: Array<string> = []
  for (const trace of store.traces.all()) {
    traces++
    const broken = Object.entries(trace.outputs).find(
      ([, output]) => !wholeArtifact(store, good, output.digest),
    )
    if (broken === undefined) continue
    wrongTraces.push(trace.key)
    problems.push({
      kind: "dangling-trace",
      at: trace.key,
      message: `${trace.node}.${broken[0]} of run ${trace.run} is not whole`,
    })
  }
  let items = 0
  const wrongItems: Array<string> = []
  for (const [key, , result] of store.traces.items()) {
    items++
    const lost = [...blobsIn(result)].find((digest) => !good.has(digest))
    if (lost === undefined) continue
    wrongItems.push(key)
    problems.push({
      kind: "dangling-item",
      at: key,
      message: `an item's result names blob ${lost}, which is not whole`,
    })
  }

  if (options.repair && problems.length > 0) {
    transaction(store.db, () => {
      for (const problem of problems) {
        if (problem.kind === "damaged-blob" || problem.kind === "missing-blob") {
          store.db.prepare("DELETE FROM blobs WHERE digest = unhex(?)").run(problem.at)
        }
      }
      for (const key of wrongTraces) store.traces.invalidate(key as never)
      for (const key of wrongItems) store.traces.dropItem(key)
    })
  }
  return {
    blobs: rows.length,
    bytes,
    traces,
    items,
    problems,
    repaired: options.repair && problems.length > 0,
  }
}

const wholeArtifact = (store: OpenStore, good: ReadonlySet<string>, digest: string): boolean => {
  if (!good.has(digest)) return false
  try {
    for (const part of blobsOfArtifact(store.blobs, digest as never)) if (!good.has(part)) return false
    return true
  } catch {
    return false
  }
}
