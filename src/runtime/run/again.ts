import { availableParallelism } from "node:os"
import * as Effect from "effect/Effect"
import type { NodeAudit } from "../../schema/audit.ts"
import type { NodeCheck } from "../../schema/check.ts"
import type { RunEvent } from "../../schema/event.ts"
import type { RunRecord } from "../../schema/trace.ts"
import { auditNode, type Auditors } from "../audit/audit.ts"
import type { Catalogue } from "../catalogue.ts"
import type { Graph, GraphNode } from "../graph.ts"
import { entryOf, isAsked } from "../plan/decide.ts"
import { resultsOf } from "../store/leases.ts"
import { Store } from "../store/store.ts"
import { checkNode } from "./check.ts"
import { Executor } from "./executor.ts"
import { withLease } from "./lease.ts"
import { defaultPools, makePools } from "./pools.ts"
import type { Again } from "./recompute.ts"

export interface AgainOptions {
  readonly graph: Graph
  readonly catalogue: Catalogue
  /** The run that came before, in which everything concerned was brought up to date. */
  readonly record: RunRecord
  readonly jobs?: number
  readonly onEvent?: (event: RunEvent) => void
}

interface Ended {
  readonly ms: number
  readonly error?: string
}

/** One node after the other, so that what one of them uses of the machine is no matter to the next. */
const eachNode = Effect.fnUntraced(function* <A extends Ended, R>(
  options: AgainOptions,
  why: string,
  isMeant: (node: GraphNode) => boolean,
  body: (again: Again, node: GraphNode) => Effect.Effect<A, never, R>,
) {
  const store = yield* Store
  const { graph, catalogue, record } = options
  const emit = options.onEvent ?? (() => {})
  const reports = new Map(record.nodes.map((node) => [node.id, node]))
  const again: Again = {
    graph,
    catalogue,
    store,
    emit,
    pools: makePools(defaultPools(options.jobs ?? availableParallelism())),
    executor: yield* Executor,
    run: record.id,
    outputs: (node, port) => reports.get(node)?.outputs[port],
  }
  const one = Effect.fnUntraced(function* (node: GraphNode) {
    emit({ type: "node-started", node: node.id, reason: why, why: [{ kind: "forced" }] })
    const ended = yield* body(again, node)
    if (ended.error === undefined) emit({ type: "node-finished", node: node.id, ms: ended.ms, outputs: {} })
    else emit({ type: "node-failed", node: node.id, ms: ended.ms, error: ended.error })
    return ended
  })
  const nodes = graph.nodes.filter((node) => reports.has(node.id) && isMeant(node))
  emit({
    type: "run-started",
    run: record.id,
    pipeline: graph.pipeline,
    nodes: nodes.map(({ id, uses }) => ({ id, uses })),
  })
  const scope = nodes.map((node) =>
    resultsOf({ uses: node.uses, fingerprint: entryOf(catalogue, node).fingerprint }),
  )
  return yield* withLease(store, `${record.id}-again`, scope, Effect.forEach(nodes, one))
})

/** Computes nodes again and compares: `names` are nodes of the document or instances. */
export const check = Effect.fn("check")(function* (options: AgainOptions, names: ReadonlyArray<string>) {
  return yield* eachNode<NodeCheck, never>(
    options,
    "computed again, to compare",
    (node) => isAsked(names, node),
    (again, node) => checkNode(again, node, options.record),
  )
})

/** Computes nodes again under watch: those named, or all of the run. */
export const audit = Effect.fn("audit")(function* (options: AgainOptions, names: ReadonlyArray<string>) {
  return yield* eachNode<NodeAudit, Auditors>(
    options,
    "computed again, to see what it reads",
    (node) => names.length === 0 || isAsked(names, node),
    (again, node) => auditNode(again, node, options.record),
  )
})
