import { mkdirSync } from "node:fs"
import { join } from "node:path"
import * as Effect from "effect/Effect"
import type { RunEvent } from "../../schema/event.ts"
import type { NodeTrace, OutputRecord } from "../../schema/trace.ts"
import type { Catalogue, CatalogueEntry } from "../catalogue.ts"
import type { Graph, GraphNode } from "../graph.ts"
import { entryOf } from "../plan/decide.ts"
import { filesOf, keyRecord, nodeKey } from "../plan/key.ts"
import { openDatabase, transaction } from "../store/database.ts"
import { removeNow } from "../store/remove-tree.ts"
import { storeTry, type OpenStore } from "../store/store.ts"
import { Traces } from "../store/traces.ts"
import { compute, refuseChangedInputs, type NodeRun } from "./compute-node.ts"
import type { Executor } from "./executor.ts"
import type { Pools } from "./pools.ts"
import type { TaskHooks, Watch } from "./task.ts"

/**
 * A store that has the blobs of another and remembers nothing that was computed: what is asked of it is computed
 * again, and what it is told is forgotten with it. Blobs are named by their content, so adding some replaces none.
 */
const withoutMemory = (store: OpenStore) =>
  Effect.acquireRelease(
    storeTry("open a store without memory", () => {
      const folder = join(store.temporary, `again-${process.pid}-${crypto.randomUUID()}`)
      mkdirSync(folder, { recursive: true })
      const db = openDatabase(folder)
      const traces = new Traces(db)
      const publish = (): void => {
        store.blobs.flush()
        transaction(db, () => traces.write())
        traces.written()
      }
      return { folder, store: { ...store, db, traces, publish } satisfies OpenStore }
    }),
    ({ folder, store }) =>
      Effect.sync(() => {
        store.db.close()
        removeNow(folder)
      }),
  )

export interface Again {
  readonly graph: Graph
  readonly catalogue: Catalogue
  readonly store: OpenStore
  readonly pools: Pools
  readonly executor: Executor["Service"]
  readonly run: string
  readonly emit: (event: RunEvent) => void
  /** What the run that came before gave. */
  readonly outputs: (node: string, port: string) => OutputRecord | undefined
}

export interface Recomputed {
  /** Of the result that is in the store, where there is one. */
  readonly trace: NodeTrace | undefined
  readonly outputs: { readonly [port: string]: OutputRecord }
  readonly ms: number
}

/** What a light definition is to the engine when even it is to run in a worker. */
const inWorker = (node: GraphNode): GraphNode => {
  const { definition } = node
  const map = definition.map === undefined ? {} : { map: { ...definition.map, run: undefined } }
  return { ...node, definition: { ...definition, run: undefined, ...map } }
}

/**
 * Computes a node that has a result once more, from the same inputs, as if nothing of it had ever been computed. The
 * result in the store stays as it is. `watch`: in a worker process that tells what the code reads.
 */
export const recompute = Effect.fnUntraced(function* (
  again: Again,
  node: GraphNode,
  watch?: { readonly task: (entry: CatalogueEntry) => Watch; readonly undeclared: TaskHooks["undeclared"] },
) {
  const { graph, store, emit } = again
  const entry = entryOf(again.catalogue, node)
  const { record, key, trace } = yield* storeTry(`find the result of ${node.id}`, () => {
    const record = keyRecord({ root: graph.root, node, entry, files: store.files, outputs: again.outputs })
    const key = nodeKey(record, node.definition)
    return { record, key, trace: store.traces.find(key) }
  })
  const fresh = yield* withoutMemory(store)
  let clock = performance.now()
  const nodeRun: NodeRun = {
    ...again,
    entry,
    node: watch === undefined ? node : inWorker(node),
    store: fresh.store,
    hooks: {
      log: (line) => emit({ type: "node-log", node: node.id, line }),
      progress: (done, total, note) =>
        emit({ type: "node-progress", node: node.id, done, total, ...(note === undefined ? {} : { note }) }),
      ...(watch?.undeclared === undefined ? {} : { undeclared: watch.undeclared }),
    },
    started: () => {
      clock = performance.now()
    },
    task: (share) => ({
      uses: node.uses,
      fingerprint: entry.fingerprint,
      since: Number.POSITIVE_INFINITY,
      origin: entry.origin,
      params: node.params,
      secrets: node.secrets,
      seed: record.seed,
      files: filesOf(graph.root, node),
      granted: { cpu: share.cpu, net: share.net, gpu: share.gpu },
      ...(watch === undefined ? {} : { watch: watch.task(entry) }),
    }),
  }
  const toRun = {
    action: "run",
    key,
    record,
    why: [{ kind: "forced" }],
    previous: undefined,
    itemsSince: Number.POSITIVE_INFINITY,
  } as const
  const { outputs } = yield* compute(nodeRun, toRun)
  yield* refuseChangedInputs({ ...again, node }, toRun)
  return { trace, outputs, ms: Math.round(performance.now() - clock) } satisfies Recomputed
}, Effect.scoped)
