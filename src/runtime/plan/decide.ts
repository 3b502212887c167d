import type { Digest } from "../../schema/digest.ts"
import type { KeyRecord, NodeTrace, OutputRecord, Reason } from "../../schema/trace.ts"
import type { Catalogue, CatalogueEntry } from "../catalogue.ts"
import type { Graph, GraphNode } from "../graph.ts"
import type { OpenStore } from "../store/store.ts"
import { keyRecord, nodeKey } from "./key.ts"
import { differences } from "./reason.ts"

/** What the user asked for besides the targets. Names are node names or instance ids. */
export interface Asked {
  readonly force: ReadonlyArray<string>
  readonly refresh: ReadonlyArray<string>
  readonly now: number
}

export type Decision =
  | { readonly action: "cached"; readonly key: Digest; readonly record: KeyRecord; readonly trace: NodeTrace }
  | {
      readonly action: "run"
      readonly key: Digest
      readonly record: KeyRecord
      readonly why: ReadonlyArray<Reason>
      readonly previous: NodeTrace | undefined
      /** Item results from before this time (Unix ms) are not to be used. */
      readonly itemsSince: number
    }

export const isAsked = (names: ReadonlyArray<string>, node: GraphNode): boolean =>
  names.includes(node.name) || names.includes(node.id)

/**
 * The one place that says whether a node runs, given the content of its inputs; `plan` and `run` both ask it.
 * Throws when a declared file is missing.
 */
export const decide = (options: {
  readonly graph: Graph
  readonly node: GraphNode
  readonly entry: CatalogueEntry
  readonly store: OpenStore
  readonly asked: Asked
  readonly outputs: (node: string, port: string) => OutputRecord | undefined
}): Decision => {
  const { graph, node, entry, store, asked } = options
  const record = keyRecord({ root: graph.root, node, entry, files: store.files, outputs: options.outputs })
  const key = nodeKey(record, node.definition)
  const trace = store.traces.find(key)
  const previous = store.traces.ofNode(graph.pipeline, node.id)[0]
  const run = (why: ReadonlyArray<Reason>, itemsSince = 0): Decision => ({
    action: "run",
    key,
    record,
    why,
    previous,
    itemsSince,
  })

  if (isAsked(asked.force, node)) return run([{ kind: "forced" }], Number.POSITIVE_INFINITY)
  if (isAsked(asked.refresh, node)) return run([{ kind: "refreshed" }], Number.POSITIVE_INFINITY)
  const oldest = node.refreshMs === undefined ? 0 : asked.now - node.refreshMs
  if (trace !== undefined) {
    if (trace.startedAt < oldest)
      return run([{ kind: "refreshed", age: asked.now - trace.startedAt }], oldest)
    const missing = Object.entries(trace.outputs).find(([, output]) => !store.blobs.has(output.digest))
    if (missing !== undefined) return run([{ kind: "missing-output", port: missing[0] }], oldest)
    const failed = trace.items?.failed ?? 0
    if (failed > 0) return run([{ kind: "failed-items", count: failed }], oldest)
    return { action: "cached", key, record, trace }
  }
  if (previous === undefined) return run([{ kind: "never" }], oldest)
  const why = differences(previous, record, entry.modules)
  return run(why.length === 0 ? [{ kind: "forgotten" }] : why, oldest)
}

export const entryOf = (catalogue: Catalogue, node: GraphNode): CatalogueEntry => {
  const entry = catalogue.get(node.uses)
  if (entry === undefined) throw new Error(`no node type ${node.uses} in the catalogue`)
  return entry
}
