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
  const run = (
    why: (previous: NodeTrace | undefined) => ReadonlyArray<Reason>,
    itemsSince: number,
  ): Decision => {
    const previous = store.traces.ofNode(graph.pipeline, node.id)[0]
    return { action: "run", key, record, why: why(previous), previous, itemsSince }
  }
  const because = (reason: Reason, itemsSince: number) => run(() => [reason], itemsSince)

  if (isAsked(asked.force, node)) return because({ kind: "forced" }, Number.POSITIVE_INFINITY)
  if (isAsked(asked.refresh, node)) return because({ kind: "refreshed" }, Number.POSITIVE_INFINITY)
  const oldest = node.refreshMs === undefined ? 0 : asked.now - node.refreshMs
  const trace = store.traces.find(key)
  if (trace !== undefined) {
    if (trace.startedAt < oldest)
      return because({ kind: "refreshed", age: asked.now - trace.startedAt }, oldest)
    const missing = Object.entries(trace.outputs).find(([, output]) => !store.blobs.has(output.digest))
    if (missing !== undefined) return because({ kind: "missing-output", port: missing[0] }, oldest)
    if (!store.forgotten.allows(trace)) return because({ kind: "forgotten" }, oldest)
    const failed = trace.items?.failed ?? 0
    if (failed > 0) return because({ kind: "failed-items", count: failed }, oldest)
    return { action: "cached", key, record, trace }
  }
  const changes = (previous: NodeTrace | undefined): ReadonlyArray<Reason> => {
    if (store.traces.wasInvalidated(key)) return [{ kind: "forgotten" }]
    if (previous === undefined) return [{ kind: "never" }]
    const why = differences(previous, record, entry.modules, node.definition)
    return why.length === 0 ? [{ kind: "forgotten" }] : why
  }
  return run(changes, oldest)
}

export const entryOf = (catalogue: Catalogue, node: GraphNode): CatalogueEntry => {
  const entry = catalogue.get(node.uses)
  if (entry === undefined) throw new Error(`no node type ${node.uses} in the catalogue`)
  return entry
}
