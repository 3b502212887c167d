import { randomBytes } from "node:crypto"
import { availableParallelism } from "node:os"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Schedule from "effect/Schedule"
import type { RunEvent } from "../../schema/event.ts"
import type { NodeReport, RunRecord } from "../../schema/trace.ts"
import type { GraphNode } from "../graph.ts"
import { decide, entryOf, type Asked, type Decision } from "../plan/decide.ts"
import { skippedInput, type PlanOptions } from "../plan/plan.ts"
import { missingFiles, selectNodes } from "../plan/select.ts"
import { useForgotten } from "../store/use-forgotten.ts"
import { previousOf, resultsOf } from "../store/leases.ts"
import { Store, storeTry } from "../store/store.ts"
import { Executor } from "./executor.ts"
import { withLease } from "./lease.ts"
import { defaultPools, makePools } from "./pools.ts"
import { present, type Presented } from "./present.ts"
import { cachedReport, runNode, type RunShared } from "./run-node.ts"

export interface RunOptions extends PlanOptions {
  /** Worker processes at a time; default: what the machine has. Never part of a result. */
  readonly jobs?: number
  /** Go on with everything that does not need a failed node. */
  readonly keepGoing?: boolean
  readonly onEvent?: (event: RunEvent) => void
}

/** Results wait at most so long, in ms, for others to be made durable with: one wait for the disk for all of them. */
const PUBLISH_EVERY = 100

/** `20261123-204530-7f3a`: sorts by time. */
const newRunId = (now: Date): string =>
  `${now.toISOString().slice(0, 19).replaceAll(/[-:]/gu, "").replace("T", "-")}-${randomBytes(2).toString("hex")}`

/**
 * Runs what the targets need. A failed node makes the run `failed`, not the effect: the record says how each node
 * ended. Interruption kills the workers, keeps what finished and records the run as interrupted.
 */
export const run = Effect.fn("run")(function* (options: RunOptions) {
  const store = yield* Store
  const executor = yield* Executor
  const { graph, catalogue } = options
  yield* useForgotten(store, graph.root)
  const nodes = yield* selectNodes(graph, options.targets)
  const absent = yield* missingFiles(graph, nodes)
  const startedAt = Date.now()
  const id = newRunId(new Date(startedAt))
  const emit = options.onEvent ?? (() => {})
  const asked: Asked = { force: options.force ?? [], refresh: options.refresh ?? [], now: startedAt }
  const pools = makePools(defaultPools(options.jobs ?? availableParallelism()))
  const reports = new Map<string, NodeReport>()
  const ends = new Map(nodes.map((node) => [node.id, Deferred.makeUnsafe<void>()]))
  const presented: Array<Presented> = []
  let stop: string | undefined

  const shared: RunShared = {
    run: id,
    graph,
    catalogue,
    store,
    pools,
    executor,
    asked,
    emit,
    outputs: (name, port) => reports.get(name)?.outputs[port],
    computing: new Map(),
  }

  const record = (status: RunRecord["status"]): RunRecord => ({
    id,
    pipeline: graph.pipeline,
    file: graph.file,
    targets: options.targets,
    status,
    startedAt,
    ms: Date.now() - startedAt,
    nodes: nodes.flatMap((node) => reports.get(node.id) ?? []),
    ...(presented.length === 0 ? {} : { presented }),
  })
  const save = (status: RunRecord["status"]) =>
    storeTry("record the run", () => {
      store.publish()
      const saved = record(status)
      store.traces.saveRun(saved)
      return saved
    })

  const skip = (node: GraphNode, because: string): NodeReport => {
    emit({ type: "node-skipped", node: node.id, because })
    const why = [{ kind: "skipped" as const, because }]
    return { id: node.id, uses: node.uses, status: "skipped", reason: because, why, ms: 0, outputs: {} }
  }
  const oneNode = Effect.fnUntraced(function* (node: GraphNode) {
    const upstream = new Set(Object.values(node.inputs).flatMap((refs) => refs.map((ref) => ref.node)))
    for (const name of upstream) yield* Deferred.await(ends.get(name)!)
    const gone = absent.get(node.id)
    const failed = [...upstream].find((name) => reports.get(name)?.status === "failed" || blocked.has(name))
    const starved = skippedInput(node, (name) => reports.get(name)?.status === "skipped")
    let report: NodeReport
    if (gone !== undefined) report = skip(node, `optional, and ${gone} is not there`)
    else if (failed !== undefined) {
      blocked.add(node.id)
      report = skip(node, `${failed} did not finish`)
    } else if (stop !== undefined) {
      blocked.add(node.id)
      report = skip(node, `${stop} failed`)
    } else if (starved !== undefined) report = skip(node, `${starved} is skipped`)
    else {
      const decided = ranSome ? undefined : decisions.get(node.id)
      report = yield* runNode({ ...shared, node, entry: entryOf(catalogue, node), decided })
      ranSome = true
    }
    const shown = node.definition.present ?? []
    for (const port of shown) {
      const output = report.outputs[port]
      if (output === undefined) continue
      const place = shown.length > 1 ? `${node.id}.${port}` : node.id
      presented.push(yield* storeTry(`lay out ${place}`, () => present(store, place, output)))
    }
    if (report.status === "failed" && options.keepGoing !== true) stop ??= node.id
    reports.set(node.id, report)
    yield* Deferred.succeed(ends.get(node.id)!, undefined)
  })
  /** Nodes that did not run because something before them failed. */
  const blocked = new Set<string>()
  /** What was decided before the first node ran; results of the run may change it. */
  const decisions = new Map<string, Decision>()
  let ranSome = false

  /**
   * Settles all that is cached and rests on what is cached alone, in one go: a fiber for each would cost more than the
   * decision. What cannot be decided is left for its fiber to tell.
   */
  const settleCached = (): void => {
    for (const node of nodes) {
      const before = Object.values(node.inputs).flat()
      if (absent.has(node.id) || !before.every((ref) => reports.get(ref.node)?.status === "cached")) continue
      const options = { ...shared, node, entry: entryOf(catalogue, node) }
      try {
        const decision = decide(options)
        if (decision.action === "run" || (node.definition.present?.length ?? 0) > 0)
          decisions.set(node.id, decision)
        else {
          reports.set(node.id, cachedReport(options, decision))
          Deferred.doneUnsafe(ends.get(node.id)!, Effect.void)
        }
      } catch {
        // A file that is missing, or a store that fails: its fiber comes to it too.
      }
    }
  }

  const body = Effect.gen(function* () {
    emit({
      type: "run-started",
      run: id,
      pipeline: graph.pipeline,
      nodes: nodes.map(({ id, uses }) => ({ id, uses })),
    })
    yield* Effect.sync(settleCached)
    const open = nodes.filter((node) => !reports.has(node.id))
    yield* Effect.forEach(open, oneNode, { concurrency: "unbounded", discard: true })
    const status = [...reports.values()].some((report) => report.status === "failed") ? "failed" : "ok"
    const finished = yield* save(status)
    emit({ type: "run-finished", record: finished })
    return finished
  })
  const published = storeTry("keep what finished", () => store.publish()).pipe(
    Effect.repeat(Schedule.spaced(PUBLISH_EVERY)),
    Effect.andThen(Effect.never),
  )
  const scope = [
    previousOf(graph.pipeline),
    ...nodes.map(({ uses }) => resultsOf({ uses, fingerprint: catalogue.get(uses)?.fingerprint ?? "" })),
  ]
  const recorded = Effect.raceFirst(body, published).pipe(
    Effect.onExit((exit) => (Exit.hasInterrupts(exit) ? Effect.ignore(save("interrupted")) : Effect.void)),
  )
  return yield* withLease(store, id, scope, recorded)
})
