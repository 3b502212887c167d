import { existsSync, readdirSync, statSync } from "node:fs"
import { join } from "node:path"
import type { OutputRecord } from "../../schema/trace.ts"
import { hasHeaders } from "./own-files.ts"
import { PACK_HEADER, RECORD_HEADER } from "./pack.ts"
import { allPacks, livePacks } from "./sweep.ts"
import type { OpenStore } from "./store.ts"

/** Results of a node, or of all nodes of a type. */
interface Share {
  readonly uses: string
  readonly traces: number
  /** Of the newest results; blobs that rows name are not counted. */
  readonly bytes: number
  /** Time spent on all of them. */
  readonly ms: number
}

export interface StoreStats {
  readonly blobs: number
  /** Bytes of all blobs, and what the whole folder takes on disk. */
  readonly bytes: number
  readonly diskBytes: number
  readonly traces: number
  readonly items: number
  readonly chunks: number
  readonly runs: number
  readonly packs: {
    readonly count: number
    readonly bytes: number
    /** How much of that is referred to by the index, 0 to 1. */
    readonly live: number
  }
  /** Blobs that are files of their own. */
  readonly large: { readonly count: number; readonly bytes: number }
  readonly indexBytes: number
  readonly nodes: ReadonlyArray<Share & { readonly pipeline: string; readonly node: string }>
  readonly types: ReadonlyArray<Share & { readonly nodes: number }>
}

/** How full a store is, and with what: by sums over the index, reading no blob and no result of an item. */
export const stats = (store: OpenStore): StoreStats => {
  const one = (sql: string): number => Number(Object.values(store.db.prepare(sql).get() ?? {})[0] ?? 0)
  const nodes = nodeShares(store)
  const { blobs, bytes, packs, large } = blobShares(store)
  return {
    blobs,
    bytes,
    diskBytes: sizeOf(store.root),
    traces: nodes.reduce((sum, node) => sum + node.traces, 0),
    items: one("SELECT COUNT(*) FROM items"),
    chunks: one("SELECT COUNT(*) FROM chunk_results"),
    runs: one("SELECT COUNT(*) FROM runs"),
    packs,
    large,
    indexBytes: one("PRAGMA page_count") * one("PRAGMA page_size"),
    nodes,
    types: typeShares(nodes),
  }
}

const nodeShares = (store: OpenStore): StoreStats["nodes"] =>
  store.db
    .prepare(
      // With MAX, SQLite takes the other columns from the row that has it: the newest result.
      `SELECT pipeline, node, MAX(seq), COUNT(*) AS traces, SUM(json_extract(record, '$.ms')) AS ms,
         json_extract(record, '$.uses') AS uses, json_extract(record, '$.outputs') AS outputs
       FROM traces WHERE invalid = 0 AND json_valid(record) GROUP BY pipeline, node`,
    )
    .all()
    .map((row) => ({
      pipeline: String(row["pipeline"]),
      node: String(row["node"]),
      uses: String(row["uses"]),
      traces: Number(row["traces"]),
      bytes: Object.values(JSON.parse(String(row["outputs"])) as Record<string, OutputRecord>).reduce(
        (sum, output) => sum + output.bytes,
        0,
      ),
      ms: Number(row["ms"]),
    }))
    .sort((a, b) => b.bytes - a.bytes)

const typeShares = (nodes: StoreStats["nodes"]): StoreStats["types"] => {
  const types = new Map<string, StoreStats["types"][number]>()
  for (const { uses, traces, bytes, ms } of nodes) {
    const sum = types.get(uses) ?? { uses, nodes: 0, traces: 0, bytes: 0, ms: 0 }
    types.set(uses, {
      uses,
      nodes: sum.nodes + 1,
      traces: sum.traces + traces,
      bytes: sum.bytes + bytes,
      ms: sum.ms + ms,
    })
  }
  return [...types.values()].sort((a, b) => b.ms - a.ms)
}

const blobShares = (store: OpenStore): Pick<StoreStats, "blobs" | "bytes" | "packs" | "large"> => {
  const live = livePacks(store)
  let [blobs, bytes, packs, packBytes, used, large, largeBytes] = [0, 0, 0, 0, 0, 0, 0]
  for (const { id, path } of allPacks(store)) {
    const share = live.get(id) ?? { bytes: 0, blobs: 0 }
    blobs += share.blobs
    bytes += share.bytes
    if (path.startsWith("objects/")) {
      large += share.blobs
      largeBytes += share.bytes
      continue
    }
    packs++
    packBytes += statSync(join(store.root, path), { throwIfNoEntry: false })?.size ?? 0
    used += share.bytes + (hasHeaders(path) ? PACK_HEADER + share.blobs * RECORD_HEADER : 0)
  }
  return {
    blobs,
    bytes,
    packs: { count: packs, bytes: packBytes, live: packBytes === 0 ? 1 : Math.min(1, used / packBytes) },
    large: { count: large, bytes: largeBytes },
  }
}

const sizeOf = (path: string): number => {
  if (!existsSync(path)) return 0
  const stat = statSync(path, { throwIfNoEntry: false })
  if (stat === undefined) return 0
  if (!stat.isDirectory()) return stat.size
  return readdirSync(path).reduce((sum, name) => sum + sizeOf(join(path, name)), 0)
}
