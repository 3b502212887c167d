import type { Digest } from "../../schema/digest.ts"
import type { NodeTrace, RunRecord } from "../../schema/trace.ts"
import type { OpenStore } from "../store/store.ts"

/** The traces of a store, arranged for questions about where things came from. */
export interface History {
  /** The newest trace of each node of the pipeline, in the order in which they can have run. */
  readonly current: ReadonlyArray<NodeTrace>
  /** The trace that made an artifact, as a node of that name knew it. */
  readonly maker: (node: string, digest: Digest) => NodeTrace | undefined
  readonly byOutput: (digest: string) => { readonly trace: NodeTrace; readonly port: string } | undefined
}

/**
 * Reads the history of a pipeline. `run`: as of that run; default: what the newest run of each node gave. A node
 * that was cached in a run is shown with the trace that run reused.
 */
export const readHistory = (store: OpenStore, pipeline: string, run?: RunRecord): History => {
  const all = store.traces.all()
  const outputs = new Map<string, { trace: NodeTrace; port: string }>()
  for (const trace of all) {
    for (const [port, output] of Object.entries(trace.outputs)) outputs.set(output.digest, { trace, port })
  }
  const latest = new Map<string, NodeTrace>()
  if (run === undefined) {
    const newest = store.traces.runs(200).filter((record) => record.pipeline === pipeline)
    for (const record of newest.reverse()) for (const report of record.nodes) remember(report.id, report.key)
    for (const trace of all)
      if (trace.pipeline === pipeline && !latest.has(trace.node)) latest.set(trace.node, trace)
  } else for (const report of run.nodes) remember(report.id, report.key)

  function remember(node: string, key: Digest | undefined): void {
    const trace = key === undefined ? undefined : store.traces.find(key)
    if (trace !== undefined) latest.set(node, { ...trace, node })
  }
  const maker = (node: string, digest: Digest): NodeTrace | undefined => {
    const own = latest.get(node)
    if (own !== undefined && Object.values(own.outputs).some((output) => output.digest === digest)) return own
    return outputs.get(digest)?.trace
  }
  return { current: inOrder([...latest.values()]), maker, byOutput: (digest) => outputs.get(digest) }
}

/** Upstream first. */
const inOrder = (traces: ReadonlyArray<NodeTrace>): ReadonlyArray<NodeTrace> => {
  const byNode = new Map(traces.map((trace) => [trace.node, trace]))
  const done = new Set<string>()
  const order: Array<NodeTrace> = []
  const visit = (trace: NodeTrace): void => {
    if (done.has(trace.node)) return
    done.add(trace.node)
    for (const refs of Object.values(trace.inputs)) {
      for (const ref of refs) {
        const above = byNode.get(ref.node)
        if (above !== undefined) visit(above)
      }
    }
    order.push(trace)
  }
  for (const trace of [...traces].sort((a, b) => a.startedAt - b.startedAt)) visit(trace)
  return order
}
