import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import type { Digest } from "../../schema/digest.ts"
import type { RunEvent } from "../../schema/event.ts"
import type { NodeReport, NodeTrace, OutputRecord, Reason } from "../../schema/trace.ts"
import type { Catalogue, CatalogueEntry } from "../catalogue.ts"
import { keepTexts } from "../code-texts.ts"
import type { Graph, GraphNode } from "../graph.ts"
import { decide, type Asked, type Decision } from "../plan/decide.ts"
import { filesOf } from "../plan/key.ts"
import { reasonsText } from "../plan/reason.ts"
import { processor } from "../processor.ts"
import { storeTry, type OpenStore } from "../store/store.ts"
import { compute, refuseChangedInputs, withPatience, type NodeRun } from "./compute-node.ts"
import type { Executor } from "./executor.ts"
import type { Pools } from "./pools.ts"

/** What the nodes of a run have in common. */
export interface RunShared {
  readonly run: string
  readonly graph: Graph
  readonly catalogue: Catalogue
  readonly store: OpenStore
  readonly pools: Pools
  readonly executor: Executor["Service"]
  readonly asked: Asked
  readonly outputs: (node: string, port: string) => OutputRecord | undefined
  readonly emit: (event: RunEvent) => void
  /** Keys that nodes of the run compute now. */
  readonly computing: Map<Digest, Deferred.Deferred<void>>
}

interface Options extends RunShared {
  readonly node: GraphNode
  readonly entry: CatalogueEntry
  /** What was decided on it already, if that still holds. */
  readonly decided?: Decision | undefined
}

/** What is said of a node whose result is there. */
export const cachedReport = (
  { node, emit }: Pick<Options, "node" | "emit">,
  { key, trace: { outputs, items } }: Extract<Decision, { action: "cached" }>,
): NodeReport => {
  emit({ type: "node-cached", node: node.id, key, outputs })
  const why: ReadonlyArray<Reason> = [{ kind: "cached" }]
  const counts = items === undefined ? {} : { items: { ...items, cached: items.total, ran: 0, failed: 0 } }
  const reason = reasonsText(why)
  return { id: node.id, uses: node.uses, reason, why, ms: 0, status: "cached", key, outputs, ...counts }
}

/** Decides whether a node runs, runs it, and keeps its trace. Never fails: how it ended is in the report. */
export const runNode = Effect.fnUntraced(function* (options: Options) {
  const { node, emit } = options
  // Begins anew when the node starts: the wait for its turn is no part of its time.
  let clock = performance.now()
  let why: ReadonlyArray<Reason> = []
  const lines: Array<string> = []
  const report = (rest: Pick<NodeReport, "status" | "outputs"> & Partial<NodeReport>): NodeReport => ({
    id: node.id,
    uses: node.uses,
    reason: reasonsText(why, rest.changes),
    why,
    ms: Math.round(performance.now() - clock),
    ...rest,
  })
  const work = Effect.gen(function* () {
    const decision = yield* decideInTurn(options)
    if (decision.action === "cached") return cachedReport(options, decision)
    why = decision.why
    const started = (items?: { readonly total: number; readonly cached?: number }): void => {
      clock = performance.now()
      const counts = items === undefined ? {} : { items }
      const reason = reasonsText(why)
      emit({ type: "node-started", node: node.id, key: decision.key, reason, why, ...counts })
    }
    const { trace, changes } = yield* keepTrace(options, decision, started, lines)
    const { outputs, items, ms } = trace
    const counts = items === undefined ? {} : { items }
    emit({ type: "node-finished", node: node.id, ms, outputs, ...counts })
    const changed = changes === undefined ? {} : { changes }
    return report({ status: "ran", key: decision.key, outputs, ms, ...counts, ...changed })
  })
  return yield* work.pipe(
    Effect.catch((error) =>
      Effect.sync(() => {
        const failed = report({
          status: "failed",
          outputs: {},
          error: error.message,
          ...keptLog(options.store, lines),
        })
        emit({ type: "node-failed", node: node.id, ms: failed.ms, error: error.message })
        return failed
      }),
    ),
  )
})

/** What a node said that failed. A store that cannot take it (a full disk) must not hide why it failed. */
const keptLog = (store: OpenStore, lines: ReadonlyArray<string>): Pick<NodeReport, "log"> => {
  if (lines.length === 0 || store.blobs.broken) return {}
  try {
    return { log: store.blobs.put(new TextEncoder().encode(lines.join("\n"))).$blob }
  } catch {
    return {}
  }
}

/** Decides once no other node of the run computes the same: what that gives can then be used. */
const decideInTurn = Effect.fnUntraced(function* (options: Options) {
  for (let known = options.decided; ; known = undefined) {
    const decision = known ?? (yield* storeTry(`decide on ${options.node.id}`, () => decide(options)))
    if (decision.action === "cached") return decision
    const other = options.computing.get(decision.key)
    if (other === undefined) return decision
    yield* Deferred.await(other)
  }
})

type ToRun = Extract<Decision, { action: "run" }>

/** Computes a node and adds its trace; others of the same key wait meanwhile. */
const keepTrace = Effect.fnUntraced(function* (
  options: Options,
  decision: ToRun,
  onStart: NodeRun["started"],
  lines: Array<string>,
) {
  const { node, store, emit, entry, graph, computing } = options
  const startedAt = Date.now()
  let clock = performance.now()
  const nodeRun: NodeRun = {
    ...options,
    hooks: {
      log: (line) => {
        lines.push(line)
        emit({ type: "node-log", node: node.id, line })
      },
      warn: (message) => {
        lines.push(`WARNING: ${message}`)
        emit({ type: "warning", node: node.id, message })
      },
      progress: (done, total, note) => {
        const more = note === undefined ? {} : { note }
        emit({ type: "node-progress", node: node.id, done, total, ...more })
      },
    },
    started: (items) => {
      clock = performance.now()
      onStart(items)
    },
    task: (share) => ({
      uses: node.uses,
      fingerprint: entry.fingerprint,
      since: decision.itemsSince,
      origin: entry.origin,
      params: node.params,
      secrets: node.secrets,
      seed: decision.record.seed,
      files: filesOf(graph.root, node),
      granted: { cpu: share.cpu, net: share.net, gpu: share.gpu },
      ...(store.forgotten.project === undefined ? {} : { forgotten: store.forgotten.project }),
    }),
  }
  if (node.settled !== undefined) nodeRun.hooks.log(node.settled)
  const work = Effect.gen(function* () {
    const { outputs, items, changes } = yield* withPatience(node, emit, compute(nodeRun, decision))
    yield* refuseChangedInputs(options, decision)
    const log = lines.length === 0 ? undefined : new TextEncoder().encode(lines.join("\n"))
    const trace: NodeTrace = {
      ...decision.record,
      key: decision.key,
      pipeline: graph.pipeline,
      node: node.id,
      run: options.run,
      modules: entry.modules,
      outputs,
      ...store.forgotten.mark,
      ...(items === undefined ? {} : { items }),
      startedAt,
      ms: Math.round(performance.now() - clock),
      environment: {
        node: process.version,
        platform: `${process.platform}-${process.arch}`,
        cpus: options.pools.sizes.cpu,
        processor: processor(),
      },
      ...(log === undefined ? {} : { log: store.blobs.put(log).$blob }),
    }
    keepTexts(store, entry)
    store.traces.add(trace)
    return { trace, changes }
  })
  const ended = yield* Deferred.make<void>()
  computing.set(decision.key, ended)
  return yield* Effect.ensuring(
    work,
    Effect.suspend(() => {
      computing.delete(decision.key)
      return Deferred.succeed(ended, undefined)
    }),
  )
})
