import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import type { RunEvent } from "../../schema/event.ts"
import type { ItemCounts, NodeReport, NodeTrace, OutputRecord, Reason } from "../../schema/trace.ts"
import type { CatalogueEntry } from "../catalogue.ts"
import type { Graph, GraphNode } from "../graph.ts"
import { decide, type Asked, type Decision } from "../plan/decide.ts"
import { filesOf } from "../plan/key.ts"
import { reasonsText } from "../plan/reason.ts"
import type { StoreDamaged, StoreError } from "../store/errors.ts"
import { storeTry, type OpenStore } from "../store/store.ts"
import { executeRun } from "./execute.ts"
import { TaskFailed, taskFailure, type Executor, type WorkerDied } from "./executor.ts"
import { runMapNode } from "./map-node.ts"
import { granted, type Pools, type PoolSizes } from "./pools.ts"
import type { Outputs, RunTask, TaskHooks } from "./task.ts"

/** Everything a node needs to run once. */
export interface NodeRun {
  readonly run: string
  readonly graph: Graph
  readonly node: GraphNode
  readonly entry: CatalogueEntry
  readonly store: OpenStore
  readonly pools: Pools
  readonly executor: Executor["Service"]
  readonly emit: (event: RunEvent) => void
  readonly hooks: Omit<TaskHooks, "signal" | "items">
  /** Tells that the node starts; mapping nodes say with how many items. */
  readonly started: (items?: { readonly total: number; readonly cached: number }) => void
  /** The parts of a task that are the same for all tasks of the node. */
  readonly task: (share: PoolSizes) => Omit<RunTask, "kind" | "inputs" | "outputs">
}

interface Computed {
  readonly outputs: Outputs
  readonly items?: ItemCounts
}

/** Decides whether a node runs, runs it, and keeps its trace. Never fails: how it ended is in the report. */
export const runNode = Effect.fnUntraced(function* (options: {
  readonly run: string
  readonly graph: Graph
  readonly node: GraphNode
  readonly entry: CatalogueEntry
  readonly store: OpenStore
  readonly pools: Pools
  readonly executor: Executor["Service"]
  readonly asked: Asked
  readonly outputs: (node: string, port: string) => OutputRecord | undefined
  readonly emit: (event: RunEvent) => void
}) {
  const { node, store, emit, entry, graph } = options
  // Begins anew when the node starts: the wait for its turn is no part of its time.
  let clock = performance.now()
  const startedAt = Date.now()
  let why: ReadonlyArray<Reason> = []
  const report = (rest: Pick<NodeReport, "status" | "outputs"> & Partial<NodeReport>): NodeReport => ({
    id: node.id,
    uses: node.uses,
    reason: reasonsText(why),
    why,
    ms: Math.round(performance.now() - clock),
    ...rest,
  })
  const work = Effect.gen(function* () {
    const decision = yield* storeTry(`decide on ${node.id}`, () => decide(options))
    if (decision.action === "cached") {
      why = [{ kind: "cached" }]
      const { outputs, items } = decision.trace
      emit({ type: "node-cached", node: node.id, outputs })
      const counts =
        items === undefined ? {} : { items: { ...items, cached: items.total, ran: 0, failed: 0 } }
      return report({ status: "cached", key: decision.key, outputs, ...counts, ms: 0 })
    }
    why = decision.why
    const lines: Array<string> = []
    const nodeRun: NodeRun = {
      ...options,
      hooks: {
        log: (line) => {
          lines.push(line)
          emit({ type: "node-log", node: node.id, line })
        },
        progress: (done, total, note) =>
          emit({
            type: "node-progress",
            node: node.id,
            done,
            total,
            ...(note === undefined ? {} : { note }),
          }),
      },
      started: (items) => {
        clock = performance.now()
        emit({
          type: "node-started",
          node: node.id,
          reason: reasonsText(why),
          why,
          ...(items === undefined ? {} : { items }),
        })
      },
      task: (share) => ({
        uses: node.uses,
        origin: entry.origin,
        params: node.params,
        secrets: node.secrets,
        seed: decision.record.seed,
        files: filesOf(graph.root, node),
        granted: { cpu: share.cpu, net: share.net, gpu: share.gpu },
      }),
    }
    const computed: Computed = yield* withPatience(node, emit, compute(nodeRun, decision))
    yield* refuseChangedInputs(options, decision)
    const trace: NodeTrace = {
      ...decision.record,
      key: decision.key,
      pipeline: graph.pipeline,
      node: node.id,
      run: options.run,
      modules: entry.modules,
      outputs: computed.outputs,
      ...(computed.items === undefined ? {} : { items: computed.items }),
      startedAt,
      ms: Math.round(performance.now() - clock),
      environment: {
        node: process.version,
        platform: `${process.platform}-${process.arch}`,
        cpus: options.pools.sizes.cpu,
      },
      ...(lines.length === 0
        ? {}
        : { log: store.blobs.put(new TextEncoder().encode(lines.join("\n"))).$blob }),
    }
    yield* storeTry(`keep the result of ${node.id}`, () => {
      store.blobs.flush()
      store.traces.add(trace)
    })
    const { outputs, items } = computed
    emit({
      type: "node-finished",
      node: node.id,
      ms: trace.ms,
      outputs,
      ...(items === undefined ? {} : { items }),
    })
    return report({ status: "ran", key: decision.key, outputs, ...(items === undefined ? {} : { items }) })
  })
  return yield* work.pipe(
    Effect.catch((error) =>
      Effect.sync(() => {
        const failed = report({ status: "failed", outputs: {}, error: error.message })
        emit({ type: "node-failed", node: node.id, ms: failed.ms, error: error.message })
        return failed
      }),
    ),
  )
})

type ToRun = Extract<Decision, { action: "run" }>

type NodeError = TaskFailed | WorkerDied | StoreError | StoreDamaged

const compute = (run: NodeRun, decision: ToRun): Effect.Effect<Computed, NodeError> =>
  run.node.definition.map === undefined ? runWhole(run, decision) : runMapNode(run, decision)

const runWhole = Effect.fnUntraced(function* (run: NodeRun, decision: ToRun) {
  const { node, store, executor, pools } = run
  const share = granted(node.resources, pools.sizes)
  const task: RunTask = {
    ...run.task(share),
    kind: "run",
    inputs: decision.record.inputs,
    outputs: Object.fromEntries(
      Object.entries(node.outputs).map(([port, type]) => [
        port,
        { type: type.name, requires: type.requires },
      ]),
    ),
  }
  const hooks = { ...run.hooks, items: () => {} }
  const work: Effect.Effect<Outputs, NodeError> =
    node.definition.run === undefined
      ? executor.run(task, hooks, { fresh: true })
      : Effect.tryPromise({
          try: (signal) => executeRun(store, node.definition, task, { ...hooks, signal }),
          catch: taskFailure,
        })
  const outputs = yield* Effect.suspend(() => {
    run.started()
    return work
  }).pipe(pools.hold(share))
  return { outputs } satisfies Computed
})

/** Retries and the time limit of the document. */
const withPatience = <A, E extends { readonly message: string }, R>(
  node: GraphNode,
  emit: (event: RunEvent) => void,
  self: Effect.Effect<A, E, R>,
): Effect.Effect<A, E | TaskFailed, R> => {
  const limit = node.timeoutMs
  const limited: Effect.Effect<A, E | TaskFailed, R> =
    limit === undefined
      ? self
      : self.pipe(
          Effect.timeoutOrElse({
            duration: limit,
            orElse: () => new TaskFailed({ message: `took longer than its timeout of ${limit / 1000} s` }),
          }),
        )
  if (node.retries === 0) return limited
  let attempt = 0
  return limited.pipe(
    Effect.tapError((error) =>
      Effect.sync(() => {
        attempt++
        if (attempt <= node.retries)
          emit({ type: "node-retry", node: node.id, attempt, error: error.message })
      }),
    ),
    Effect.retry({ times: node.retries, schedule: Schedule.exponential("1 second") }),
  )
}

/** A file that changed while the node ran may be in the result or not: such a result is not kept. */
const refuseChangedInputs = Effect.fnUntraced(function* (
  { store, graph, node }: Pick<NodeRun, "store" | "graph" | "node">,
  decision: ToRun,
) {
  const paths = filesOf(graph.root, node)
  for (const [name, { path, digest }] of Object.entries(decision.record.files)) {
    const now = yield* storeTry(`read ${path} again`, () => store.files.digest(paths[name]))
    if (now !== digest) {
      return yield* new TaskFailed({
        message: `${path} changed while ${node.id} was reading it; its result is not kept: run again`,
      })
    }
  }
})
