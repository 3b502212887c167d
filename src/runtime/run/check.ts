import * as Effect from "effect/Effect"
import type { NodeCheck, PortCheck } from "../../schema/check.ts"
import type { NodeTrace, RunRecord } from "../../schema/trace.ts"
import type { GraphNode } from "../graph.ts"
import { processor } from "../processor.ts"
import { storeFailure } from "../store/errors.ts"
import { comparePort } from "./compare.ts"
import { recompute, type Again } from "./recompute.ts"

/** What bits of floating-point sums may depend on; the number of jobs never. */
const environmentDifferences = (trace: NodeTrace): NodeCheck["environment"] => {
  const { environment } = trace
  const now: Readonly<Record<string, string>> = {
    node: process.version,
    platform: `${process.platform}-${process.arch}`,
    processor: processor(),
  }
  return Object.entries(now).flatMap(([name, after]) => {
    const before = (environment as Readonly<Record<string, string | number | undefined>>)[name]
    return typeof before !== "string" || before === after ? [] : [{ name, before, after }]
  })
}

/**
 * Computes a node again and compares what it gives with what the store has. Never fails: how it ended is in the
 * answer. `record` is the run that came before, in which the node has to have ended well.
 */
export const checkNode = Effect.fnUntraced(function* (again: Again, node: GraphNode, record: RunRecord) {
  const base = { node: node.id, uses: node.uses, ms: 0, ports: [], environment: [] }
  const report = record.nodes.find(({ id }) => id === node.id)
  if (report === undefined || report.status === "failed" || report.status === "skipped") {
    const because =
      report?.status === "failed" ? "it failed" : (report?.reason ?? "it is not part of the run")
    return { ...base, status: "unchecked", error: `not checked: ${because}` } satisfies NodeCheck
  }
  const work = Effect.gen(function* () {
    const { trace, outputs, ms } = yield* recompute(again, node)
    const before = trace?.outputs ?? report.outputs
    const ports = yield* Effect.tryPromise({
      try: () => compareAll(again, before, outputs),
      catch: (cause) => storeFailure(`compare the results of ${node.id}`, cause),
    })
    const environment = trace === undefined ? [] : environmentDifferences(trace)
    const isElsewhere = environment.length > 0 && node.definition.exact === "same-machine"
    const status = ports.every(({ same }) => same) ? "same" : isElsewhere ? "elsewhere" : "different"
    return { ...base, status, ms, ports, environment } satisfies NodeCheck
  })
  return yield* work.pipe(
    Effect.catch((error) => Effect.succeed<NodeCheck>({ ...base, status: "failed", error: error.message })),
  )
})

const compareAll = async (
  { store }: Again,
  before: NodeTrace["outputs"],
  after: NodeTrace["outputs"],
): Promise<ReadonlyArray<PortCheck>> => {
  const ports: Array<PortCheck> = []
  for (const port of new Set([...Object.keys(before), ...Object.keys(after)]))
    ports.push(await comparePort(store.blobs, port, before[port], after[port]))
  return ports
}
