import * as Effect from "effect/Effect"
import type { Plan, PlanItems, PlanNode } from "../../schema/plan.ts"
import type { ItemChanges, NodeTrace, OutputRecord, Reason } from "../../schema/trace.ts"
import type { Catalogue } from "../catalogue.ts"
import type { Graph, GraphNode } from "../graph.ts"
import { storeFailure } from "../store/errors.ts"
import { useForgotten } from "../store/use-forgotten.ts"
import { Store, type OpenStore } from "../store/store.ts"
import { decide, entryOf, type Asked, type Decision } from "./decide.ts"
import { workOf } from "./pieces.ts"
import { reasonsText } from "./reason.ts"
import { missingFiles, selectNodes } from "./select.ts"

export interface PlanOptions {
  readonly graph: Graph
  readonly catalogue: Catalogue
  /** Node names or instance ids; all nodes when empty. */
  readonly targets: ReadonlyArray<string>
  readonly force?: ReadonlyArray<string>
  readonly refresh?: ReadonlyArray<string>
}

/** What a run would do now. Writes nothing but the stamp cache of files. */
export const plan = Effect.fn("plan")(function* (options: PlanOptions) {
  const store = yield* Store
  const { graph, catalogue } = options
  yield* useForgotten(store, graph.root)
  const nodes = yield* selectNodes(graph, options.targets)
  const absent = yield* missingFiles(graph, nodes)
  const asked: Asked = { force: options.force ?? [], refresh: options.refresh ?? [], now: Date.now() }
  const done = new Map<string, PlanNode>()
  for (const node of nodes) {
    const planned = yield* Effect.try({
      try: () => planNode({ store, graph, catalogue, node, asked, done, absent }),
      catch: (cause) => storeFailure(`plan ${node.id}`, cause),
    })
    done.set(node.id, planned)
  }
  const result: Plan = {
    pipeline: graph.pipeline,
    targets: options.targets.length === 0 ? nodes.map((node) => node.id) : options.targets,
    nodes: [...done.values()],
  }
  return result
})

const planNode = (options: {
  readonly store: OpenStore
  readonly graph: Graph
  readonly catalogue: Catalogue
  readonly node: GraphNode
  readonly asked: Asked
  readonly done: ReadonlyMap<string, PlanNode>
  readonly absent: ReadonlyMap<string, string>
}): PlanNode => {
  const { store, graph, node, done } = options
  const upstream = [...new Set(Object.values(node.inputs).flatMap((refs) => refs.map((ref) => ref.node)))]
  const shown = (
    action: PlanNode["action"],
    why: ReadonlyArray<Reason>,
    rest: Partial<PlanNode> = {},
  ): PlanNode => ({
    id: node.id,
    uses: node.uses,
    action,
    reason: reasonsText(why, rest.changes),
    why,
    ...rest,
  })
  const missing = options.absent.get(node.id)
  if (missing !== undefined)
    return shown("skip", [{ kind: "skipped", because: `optional, and ${missing} is not there` }])
  const starved = skippedInput(node, (id) => done.get(id)?.action === "skip")
  if (starved !== undefined) return shown("skip", [{ kind: "skipped", because: `${starved} is skipped` }])

  const waiting = upstream.filter((id) => ["run", "depends"].includes(done.get(id)!.action))
  if (waiting.length > 0) {
    const [previous] = store.traces.ofNode(graph.pipeline, node.id)
    return shown("depends", [{ kind: "depends", on: waiting }], estimate(previous, undefined))
  }
  const decision = decide({
    graph,
    node,
    entry: entryOf(options.catalogue, node),
    store,
    asked: options.asked,
    outputs: (id, port): OutputRecord | undefined => done.get(id)?.outputs?.[port],
  })
  if (decision.action === "cached") {
    const { items } = decision.trace
    return shown("cached", [{ kind: "cached" }], {
      key: decision.key,
      outputs: decision.trace.outputs,
      ...(items === undefined ? {} : { items: { total: items.total, cached: items.total, run: 0 } }),
    })
  }
  const { items, changes } = node.definition.map === undefined ? {} : countItems(store, node, decision)
  return shown("run", decision.why, {
    key: decision.key,
    ...(items === undefined ? {} : { items }),
    ...(changes === undefined ? {} : { changes }),
    ...estimate(decision.previous, items),
  })
}

/** The upstream a node cannot do without and that is skipped, if any: list ports only lose a member. */
export const skippedInput = (node: GraphNode, isSkipped: (id: string) => boolean): string | undefined => {
  for (const [port, refs] of Object.entries(node.inputs)) {
    const gone = refs.filter((ref) => isSkipped(ref.node))
    if (gone.length === 0) continue
    const spec = node.definition.inputs?.[port]
    const many = spec !== undefined && "many" in spec ? spec.many : "one"
    if (spec !== undefined && "many" in spec && spec.mayBeEmpty === true) continue
    if (many === "one" || (many === "list" && gone.length === refs.length)) return gone[0].node
  }
  return undefined
}

const countItems = (
  store: OpenStore,
  node: GraphNode,
  decision: Extract<Decision, { action: "run" }>,
): { readonly items: PlanItems; readonly changes: ItemChanges | undefined } => {
  const { previous, record, itemsSince: since } = decision
  const work = workOf({ store, node, record, since, previous })
  // Two items of one key are computed once.
  const fresh = new Set<string>()
  for (const piece of work.pieces()) {
    if (piece.kind === "kept") continue
    for (const entry of piece.entries())
      if (entry.kind === "item" && !store.traces.hasItem(entry.item.key, since)) fresh.add(entry.item.key)
  }
  const items = { total: work.total, cached: work.total - fresh.size, run: fresh.size }
  return { items, changes: work.changes() }
}

/** From the last trace: time and bytes of the whole, or by item for as many as run now. */
const estimate = (
  previous: NodeTrace | undefined,
  items: PlanItems | undefined,
): Pick<PlanNode, "estimateMs" | "estimateBytes"> => {
  if (previous === undefined) return {}
  const { ms, items: before } = previous
  const bytes = Object.values(previous.outputs).reduce((sum, output) => sum + output.bytes, 0)
  if (items === undefined || before === undefined) return { estimateMs: ms, estimateBytes: bytes }
  return {
    ...(before.ran === 0 ? {} : { estimateMs: Math.round((ms / before.ran) * items.run) }),
    // The time was that of the items that ran; the results hold all of them.
    ...(before.total === 0 ? {} : { estimateBytes: Math.round((bytes / before.total) * items.run) }),
  }
}
