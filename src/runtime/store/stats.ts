import { existsSync, readdirSync, statSync } from "node:fs"
import { join } from "node:path"
import type { OpenStore } from "./store.ts"

export interface StoreStats {
  readonly blobs: number
  /** Bytes of all blobs, and what the whole folder takes on disk. */
  readonly bytes: number
  readonly diskBytes: number
  readonly traces: number
  readonly items: number
  readonly runs: number
  readonly nodes: ReadonlyArray<{
    readonly node: string
    readonly uses: string
    readonly traces: number
    readonly bytes: number
    readonly ms: number
  }>
}

/** How full a store is, and with what. Bytes of a node are those of its newest outputs; blobs shared by nodes count for each. */
export const stats = (store: OpenStore): StoreStats => {
  const one = (sql: string): number => Number(Object.values(store.db.prepare(sql).get() ?? {})[0] ?? 0)
  const nodes = new Map<string, StoreStats["nodes"][number]>()
  for (const trace of store.traces.all()) {
    const before = nodes.get(trace.node)
    nodes.set(trace.node, {
      node: trace.node,
      uses: trace.uses,
      traces: (before?.traces ?? 0) + 1,
      bytes: Object.values(trace.outputs).reduce((sum, output) => sum + output.bytes, 0),
      ms: (before?.ms ?? 0) + trace.ms,
    })
  }
  return {
    blobs: one("SELECT COUNT(*) FROM blobs"),
    bytes: one("SELECT SUM(bytes) FROM blobs"),
    diskBytes: sizeOf(store.root),
    traces: one("SELECT COUNT(*) FROM traces"),
    items: one("SELECT COUNT(*) FROM items"),
    runs: one("SELECT COUNT(*) FROM runs"),
    nodes: [...nodes.values()].sort((a, b) => b.bytes - a.bytes),
  }
}

const sizeOf = (path: string): number => {
  if (!existsSync(path)) return 0
  const stat = statSync(path)
  if (!stat.isDirectory()) return stat.size
  return readdirSync(path).reduce((sum, name) => sum + sizeOf(join(path, name)), 0)
}
