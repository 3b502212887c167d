import type { OpenStore } from "../runtime/engine.ts"
import type { Graph } from "../runtime/graph.ts"
import type { Digest } from "../schema/digest.ts"

/** What a node said when it last ran, or last failed. */
export interface NodeLog {
  readonly node: string
  readonly run: string
  readonly status: "ran" | "failed"
  /** Unix milliseconds. */
  readonly at: number
  /** Empty where it said nothing; absent where what it said was freed since. */
  readonly log?: string
  readonly error?: string
}

/** How many runs are looked through for a failure: older ones are of no interest next to a result. */
const RUNS = 50

const textOf = (store: OpenStore, log: Digest | undefined): Pick<NodeLog, "log"> => {
  if (log === undefined) return { log: "" }
  return store.blobs.has(log) ? { log: new TextDecoder().decode(store.blobs.get(log)) } : {}
}

const failureOf = (store: OpenStore, graph: Graph, node: string, since: number): NodeLog | undefined => {
  for (const record of store.traces.runs(RUNS)) {
    if (record.startedAt < since) return undefined
    if (record.pipeline !== graph.pipeline) continue
    const report = record.nodes.find(
      ({ id, status }) => id === node && (status === "failed" || status === "ran"),
    )
    if (report === undefined) continue
    if (report.status === "ran") return undefined
    const error = report.error === undefined ? {} : { error: report.error }
    const { id: run, startedAt: at } = record
    return { node, run, status: "failed", at, ...error, ...textOf(store, report.log) }
  }
  return undefined
}

/** The newest log of each instance of a node: of its last result, or of a failure since. */
export const logsOf = (store: OpenStore, graph: Graph, ref: string): ReadonlyArray<NodeLog> =>
  graph.nodes.flatMap(({ id, name }) => {
    if (ref !== id && ref !== name) return []
    const [trace] = store.traces.ofNode(graph.pipeline, id)
    const failure = failureOf(store, graph, id, trace?.startedAt ?? 0)
    if (failure !== undefined) return [failure]
    if (trace === undefined) return []
    return [{ node: id, run: trace.run, status: "ran", at: trace.startedAt, ...textOf(store, trace.log) }]
  })
