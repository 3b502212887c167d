import type { Digest } from "../../schema/digest.ts"
import type { NodeReport, NodeTrace, RunRecord } from "../../schema/trace.ts"
import type { OpenStore } from "../store/store.ts"

/** Runs that are looked through for what a pipeline is now; a run of the whole document ends the search before. */
const RUNS = 200

/** The newest runs of a pipeline (of all, where none is given), newest first, read one by one. */
export function* runsOf(store: OpenStore, pipeline: string | undefined, limit: number): Generator<RunRecord> {
  let left = limit
  for (const row of store.db.prepare("SELECT record FROM runs ORDER BY at DESC, id DESC").iterate()) {
    if (left <= 0) return
    const run = JSON.parse(row["record"] as string) as RunRecord
    if (pipeline !== undefined && run.pipeline !== pipeline) continue
    left--
    yield run
  }
}

/** An artifact, by the node that made it. */
export interface Made {
  readonly trace: NodeTrace
  readonly port: string
}

/** The traces of a store, arranged for questions about where things came from. */
export interface History {
  /** One trace per node of the pipeline, upstream first. */
  readonly current: ReadonlyArray<NodeTrace>
  /** What the run said of a node (as of a run only). */
  readonly report: (node: string) => NodeReport | undefined
  /** The trace that made an artifact, as a node of that name knew it, with the port. */
  readonly maker: (node: string, digest: Digest) => Made | undefined
  /** The newest trace of the whole store with an output whose digest begins so. */
  readonly byOutput: (digest: string) => Made | undefined
}

/**
 * Reads the history of a pipeline. `run`: as of that run; default: what the newest run of each node gave. A node
 * that was cached in a run is shown with the trace that run reused.
 */
export const readHistory = (store: OpenStore, pipeline: string, run?: RunRecord): History => {
  const latest = run === undefined ? newest(store, pipeline) : ofRun(store, run)
  const byOutput = (digest: string): Made | undefined => inStore(store, digest)
  return {
    current: inOrder([...latest.values()]),
    report: (node) => run?.nodes.find((report) => report.id === node),
    maker: (node, digest) => {
      const own = latest.get(node)
      const port = own === undefined ? undefined : portOf(own, digest)
      return own !== undefined && port !== undefined ? { trace: own, port } : byOutput(digest)
    },
    byOutput,
  }
}

const portOf = (trace: NodeTrace, digest: string): string | undefined =>
  Object.keys(trace.outputs).find((port) => trace.outputs[port].digest.startsWith(digest))

const traceOf = (store: OpenStore, { id, key }: NodeReport): NodeTrace | undefined => {
  const trace = key === undefined ? undefined : store.traces.find(key)
  return trace === undefined ? undefined : { ...trace, node: id }
}

const ofRun = (store: OpenStore, run: RunRecord): Map<string, NodeTrace> => {
  const found = new Map<string, NodeTrace>()
  for (const report of run.nodes) {
    const trace = traceOf(store, report)
    if (trace !== undefined) found.set(report.id, trace)
  }
  return found
}

/**
 * What each node gave last: by the runs, newest first, until one that ran the whole document. Nodes that are only
 * in runs before that are no longer in it.
 */
const newest = (store: OpenStore, pipeline: string): Map<string, NodeTrace> => {
  const found = new Map<string, NodeTrace>()
  let whole: RunRecord | undefined
  for (const run of runsOf(store, pipeline, RUNS)) {
    for (const report of run.nodes) {
      if (found.has(report.id)) continue
      const trace = traceOf(store, report)
      if (trace !== undefined) found.set(report.id, trace)
    }
    if (run.targets.length === 0 && run.status === "ok") {
      whole = run
      break
    }
  }
  for (const trace of unreported(store, pipeline, whole?.startedAt ?? 0)) {
    if (!found.has(trace.node)) found.set(trace.node, trace)
  }
  return found
}

/** Results of runs that were killed before they could be recorded, newest first. */
const unreported = (store: OpenStore, pipeline: string, since: number): ReadonlyArray<NodeTrace> =>
  store.db
    .prepare(
      `SELECT record FROM traces
       WHERE pipeline = ? AND at >= ? AND invalid = 0 AND run NOT IN (SELECT id FROM runs) ORDER BY seq DESC`,
    )
    .all(pipeline, since)
    .map((row) => JSON.parse(row["record"] as string) as NodeTrace)

const inStore = (store: OpenStore, digest: string): Made | undefined => {
  const rows = store.db
    .prepare("SELECT record FROM traces WHERE invalid = 0 AND instr(record, ?) > 0 ORDER BY seq DESC")
    .iterate(`"digest":"${digest}`)
  for (const row of rows) {
    const trace = JSON.parse(row["record"] as string) as NodeTrace
    const port = portOf(trace, digest)
    if (port !== undefined) return { trace, port }
  }
  return undefined
}

/** Upstream first; what does not depend on each other in the order of the document. */
const inOrder = (traces: ReadonlyArray<NodeTrace>): ReadonlyArray<NodeTrace> => {
  const byNode = new Map(traces.map((trace) => [trace.node, trace]))
  const order = new Set<NodeTrace>()
  const entered = new Set<NodeTrace>()
  // By hand and not by recursion: a chain may be thousands of nodes long.
  const open = [...traces].reverse()
  for (let trace = open.at(-1); trace !== undefined; trace = open.at(-1)) {
    if (entered.has(trace)) {
      order.add(trace)
      open.pop()
      continue
    }
    entered.add(trace)
    for (const node of upstream(trace)) {
      const above = byNode.get(node)
      if (above !== undefined && !entered.has(above)) open.push(above)
    }
  }
  return [...order]
}

/** The nodes a trace took its inputs from. */
export const upstream = (trace: NodeTrace): ReadonlyArray<string> => [
  ...new Set(Object.values(trace.inputs).flatMap((refs) => refs.map((ref) => ref.node))),
]
