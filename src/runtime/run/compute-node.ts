import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import type { RunEvent } from "../../schema/event.ts"
import type { ItemChanges, ItemCounts } from "../../schema/trace.ts"
import type { CatalogueEntry } from "../catalogue.ts"
import type { Graph, GraphNode } from "../graph.ts"
import type { Decision } from "../plan/decide.ts"
import { filesOf } from "../plan/key.ts"
import type { StoreDamaged, StoreError } from "../store/errors.ts"
import { storeTry, type OpenStore } from "../store/store.ts"
import { executeRun } from "./execute-run.ts"
import { TaskFailed, taskFailure, type Executor, type WorkerDied } from "./executor.ts"
import { runMapNode } from "./map-node.ts"
import { openPortsOf } from "./open-ports.ts"
import { granted, type Pools, type PoolSizes } from "./pools.ts"
import { stoppable } from "./stoppable.ts"
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
  readonly started: (items?: { readonly total: number; readonly cached?: number }) => void
  /** The parts of a task that are the same for all tasks of the node. */
  readonly task: (share: PoolSizes) => Omit<RunTask, "kind" | "inputs" | "outputs">
}

interface Computed {
  readonly outputs: Outputs
  readonly items?: ItemCounts
  readonly changes?: ItemChanges | undefined
}

type ToRun = Extract<Decision, { action: "run" }>

type NodeError = TaskFailed | WorkerDied | StoreError | StoreDamaged

export const compute = (run: NodeRun, decision: ToRun): Effect.Effect<Computed, NodeError> =>
  run.node.definition.map === undefined ? runWhole(run, decision) : runMapNode(run, decision)

const runWhole = Effect.fnUntraced(function* (run: NodeRun, decision: ToRun) {
  const { node, store, executor, pools } = run
  const share = granted(node.resources, pools.sizes)
  const open = openPortsOf(node.definition)
  const task: RunTask = {
    ...run.task(share),
    kind: "run",
    inputs: decision.record.inputs,
    ...(open === undefined ? {} : { open }),
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
      ? Effect.andThen(
          storeTry("hand over to a worker", () => store.publish()),
          executor.run(task, hooks, { fresh: true }),
        )
      : stoppable((signal) => executeRun(store, node.definition, task, { ...hooks, signal })).pipe(
          Effect.mapError(taskFailure),
        )
  const outputs = yield* Effect.suspend(() => {
    run.started()
    return work
  }).pipe(pools.hold(share))
  return { outputs } satisfies Computed
})

/** Retries and the time limit of the document. */
export const withPatience = <A, E extends { readonly message: string }, R>(
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
export const refuseChangedInputs = Effect.fnUntraced(function* (
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
