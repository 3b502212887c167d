import { blobsIn } from "../../schema/blob.ts"
import type { Digest } from "../../schema/digest.ts"
import type { NodeTrace } from "../../schema/trace.ts"
import { blobsOfArtifact } from "./artifacts.ts"
import { transaction } from "./database.ts"
import type { OpenStore } from "./store.ts"
import { sweepTemporary } from "./verify.ts"

export interface CollectOptions {
  /** Runs whose results are kept, newest first, per pipeline. */
  readonly keepRuns: number
  /** Results of items younger than this (ms) are kept even if no kept run names them. */
  readonly keepItemsMs: number
  readonly dryRun: boolean
  readonly now: number
}

export interface CollectReport {
  readonly keptBlobs: number
  readonly freedBlobs: number
  readonly freedBytes: number
  readonly freedTraces: number
  readonly freedItems: number
  readonly sweptScratch: number
}

/**
 * Frees what no kept run refers to. Must not run beside a run (the caller asks the leases): a run may be about to
 * refer to a blob that nothing refers to yet.
 */
export const collect = (store: OpenStore, options: CollectOptions): CollectReport => {
  const keep = new Set<string>()
  const { kept, dropped } = partTraces(store, options.keepRuns)
  for (const trace of kept) {
    if (trace.log !== undefined) keep.add(trace.log)
    for (const output of Object.values(trace.outputs)) markArtifact(store, output.digest, keep)
  }
  const staleItems: Array<string> = []
  for (const [key, at, result] of store.traces.items()) {
    const refs = [...blobsIn(result)]
    const young = at >= options.now - options.keepItemsMs
    if (young || (refs.length > 0 && refs.every((digest) => keep.has(digest))))
      for (const digest of refs) keep.add(digest)
    else staleItems.push(key)
  }
  const freed = store.db
    .prepare("SELECT lower(hex(digest)) AS digest, pack, bytes FROM blobs")
    .all()
    .filter((row) => !keep.has(String(row["digest"])))
  const report: CollectReport = {
    keptBlobs: keep.size,
    freedBlobs: freed.length,
    freedBytes: freed.reduce((sum, row) => sum + Number(row["bytes"]), 0),
    freedTraces: dropped.length,
    freedItems: staleItems.length,
    sweptScratch: options.dryRun ? 0 : sweepTemporary(store),
  }
  if (options.dryRun) return report
  transaction(store.db, () => {
    const dropTrace = store.db.prepare("DELETE FROM traces WHERE key = ?")
    const dropBlob = store.db.prepare("DELETE FROM blobs WHERE digest = unhex(?)")
    for (const trace of dropped) dropTrace.run(trace.key)
    for (const key of staleItems) store.traces.dropItem(key)
    for (const row of freed) dropBlob.run(String(row["digest"]))
  })
  return report
}

/** Traces named by the newest runs of each pipeline, and the others. */
const partTraces = (store: OpenStore, keepRuns: number) => {
  const named = new Set<Digest>()
  const counts = new Map<string, number>()
  for (const run of store.traces.runs(1_000_000)) {
    const count = counts.get(run.pipeline) ?? 0
    if (count >= keepRuns) continue
    counts.set(run.pipeline, count + 1)
    for (const node of run.nodes) if (node.key !== undefined) named.add(node.key)
  }
  const all = store.traces.all()
  const kept: Array<NodeTrace> = []
  const dropped: Array<NodeTrace> = []
  for (const trace of all) (named.has(trace.key) ? kept : dropped).push(trace)
  return { kept, dropped }
}

const markArtifact = (store: OpenStore, digest: Digest, keep: Set<string>): void => {
  if (keep.has(digest)) return
  try {
    for (const part of blobsOfArtifact(store.blobs, digest)) keep.add(part)
  } catch {
    // An artifact that is not whole keeps what could be read of it; `verify` is who reports it.
    keep.add(digest)
  }
}
