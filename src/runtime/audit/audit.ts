import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import type { AmbientKind, AmbientRead, NodeAudit } from "../../schema/audit.ts"
import type { RunRecord } from "../../schema/trace.ts"
import type { CatalogueEntry } from "../catalogue.ts"
import type { GraphNode } from "../graph.ts"
import { workers, type Executor, type WorkerEntry } from "../run/executor.ts"
import { recompute, type Again } from "../run/recompute.ts"
import type { Watch } from "../run/task.ts"
import { isNote } from "./recorder.ts"

/** Where audited tasks run: worker processes that watch, for one node each. */
export class Auditors extends Context.Service<
  Auditors,
  { readonly workers: Effect.Effect<Executor["Service"], never, Scope.Scope> }
>()("facet/runtime/Auditors") {
  static readonly processes = (entry: WorkerEntry): Layer.Layer<Auditors> =>
    Layer.succeed(Auditors, Auditors.of({ workers: workers(entry) }))
}

/** The files that an entry's fingerprint covers; of built-in types none: they load no others. */
const modulesOf = ({ origin }: CatalogueEntry): ReadonlyArray<string> =>
  origin.kind === "builtin" ? [] : Object.keys(origin.contents)

const ambientOf = ({ definition }: GraphNode): ReadonlyArray<AmbientKind> => [
  ...(definition.ambient ?? []),
  ...(definition.map?.bound === "io" ? (["network"] as const) : []),
]

const byPlace = (a: AmbientRead, b: AmbientRead): number => {
  const text = ({ kind, where, what, through }: AmbientRead): string =>
    [kind, where?.file, String(where?.line ?? 0).padStart(6, "0"), through, what].join("\n")
  return text(a) < text(b) ? -1 : 1
}

/** Reads of several processes together: what is the same is counted, in an order that does not depend on them. */
const together = (reads: ReadonlyArray<AmbientRead>): ReadonlyArray<AmbientRead> => {
  const all = new Map<string, AmbientRead>()
  for (const read of reads) {
    const { times, where, ...rest } = read
    const key = JSON.stringify([rest, isNote(read) ? "" : where])
    all.set(key, { ...(all.get(key) ?? read), times: (all.get(key)?.times ?? 0) + times })
  }
  return [...all.values()].sort(byPlace)
}

/**
 * Computes a node again in processes that watch what its code reads. What it gives is thrown away: an audit changes
 * nothing. Never fails: how it ended is in the answer. `record` is the run that came before.
 */
export const auditNode = Effect.fnUntraced(function* (again: Again, node: GraphNode, record: RunRecord) {
  const base = { node: node.id, uses: node.uses, ms: 0, reads: [], notes: [] }
  const report = record.nodes.find(({ id }) => id === node.id)
  if (report === undefined || report.status === "skipped")
    return {
      ...base,
      status: "unaudited",
      error: report?.reason ?? "not part of the run",
    } satisfies NodeAudit
  const auditors = yield* Auditors
  const reads: Array<AmbientRead> = []
  const watch = {
    task: (entry: CatalogueEntry): Watch => ({
      root: again.graph.root,
      modules: modulesOf(entry),
      ambient: ambientOf(node),
    }),
    undeclared: (read: AmbientRead) => {
      reads.push(read)
    },
  }
  const ended = yield* Effect.scoped(
    Effect.gen(function* () {
      const executor = yield* auditors.workers
      return yield* recompute({ ...again, executor }, node, watch)
    }),
  ).pipe(
    Effect.map(({ ms }) => ({ ms })),
    Effect.catch((error) => Effect.succeed({ ms: 0, error: error.message })),
  )
  const all = together(reads)
  const found = all.filter((read) => !isNote(read))
  const status = found.length > 0 ? "undeclared" : "error" in ended ? "failed" : "clean"
  return { ...base, ...ended, status, reads: found, notes: all.filter(isNote) } satisfies NodeAudit
})
