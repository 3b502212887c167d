import * as Effect from "effect/Effect"
import type { Digest } from "../../schema/digest.ts"
import type { ItemCounts } from "../../schema/trace.ts"
import type { Decision } from "../plan/decide.ts"
import { itemsOf, type Item, type Row } from "../plan/items.ts"
import { writeTable } from "../store/tables.ts"
import { storeFailure, type StoreDamaged, type StoreError } from "../store/errors.ts"
import { storeTry } from "../store/store.ts"
import type { ItemResult } from "../store/traces.ts"
import { checkRow, executeMap, outputType } from "./execute.ts"
import { TaskFailed, taskFailure, type WorkerDied } from "./executor.ts"
import { failedReject, overlay, rejectsOf } from "./overlay.ts"
import { granted } from "./pools.ts"
import type { NodeRun } from "./run-node.ts"
import type { ItemOutcome, MapTask, Outputs } from "./task.ts"

type ToRun = Extract<Decision, { action: "run" }>

/** How many items go to a worker at once: few enough to share out evenly, many enough to spread the cost of a flush. */
const batchSize = (items: number, workers: number): number =>
  Math.max(1, Math.min(32, Math.ceil(items / (workers * 8))))

/**
 * Runs a mapping node: only items without a result are computed, each result is kept as soon as it is there, and
 * the outputs are laid together from all of them in the order of the items' ids.
 */
export const runMapNode = Effect.fnUntraced(function* (run: NodeRun, decision: ToRun) {
  const { store, node } = run
  const items = yield* Effect.tryPromise({
    try: () => collect(itemsOf(store, node, decision.record)),
    catch: (cause) => storeFailure(`read the items of ${node.id}`, cause),
  })
  const results = new Map<Digest, ItemOutcome>()
  const todo: Array<Item> = []
  const known = new Set<Digest>()
  yield* storeTry("look up items", () => {
    for (const item of items) {
      if (known.has(item.key)) continue
      known.add(item.key)
      const result = store.traces.item(item.key, decision.itemsSince)
      if (result === undefined) todo.push(item)
      else results.set(item.key, { ok: true, result })
    }
  })
  const cached = items.length - todo.length
  run.started({ total: items.length, cached })
  yield* computeItems(run, todo, (key, outcome) => {
    results.set(key, outcome)
    run.hooks.progress(items.length - todo.length + (results.size - (known.size - todo.length)), items.length)
  })
  const failures = todo.flatMap((item) => {
    const outcome = results.get(item.key)
    return outcome === undefined || outcome.ok ? [] : [outcome.error]
  })
  if (items.length > 0 && failures.length === items.length) {
    return yield* new TaskFailed({ message: `every item failed; the first: ${failures[0]}` })
  }
  const counts: ItemCounts = {
    total: items.length,
    cached,
    ran: todo.length - failures.length,
    failed: failures.length,
  }
  const outputs = yield* storeTry(`write the output of ${node.id}`, () => assemble(run, items, results))
  return { outputs, items: counts }
})

const collect = async <A>(source: AsyncIterable<A>): Promise<ReadonlyArray<A>> => {
  const all: Array<A> = []
  for await (const one of source) all.push(one)
  return all
}

const computeItems = Effect.fnUntraced(function* (
  run: NodeRun,
  todo: ReadonlyArray<Item>,
  done: (key: Digest, outcome: ItemOutcome) => void,
) {
  if (todo.length === 0) return
  const { node, pools, store } = run
  const map = node.definition.map!
  const io = map.bound === "io"
  const share = granted(node.resources, pools.sizes)
  const task = (items: ReadonlyArray<Item>): MapTask => ({
    ...run.task(share),
    kind: "map",
    items: items.map((item) => item.seen),
    concurrency: io ? Math.max(1, share.net) : 1,
  })
  const attempt = Effect.fnUntraced(function* (batch: ReadonlyArray<Item>) {
    const hooks = {
      ...run.hooks,
      // Progress within an item would fight with the count of items; what an item says of itself is the note.
      progress: () => {},
      items: (outcomes: ReadonlyArray<readonly [number, ItemOutcome]>) => {
        store.traces.addItems(
          outcomes.flatMap(([index, outcome]): ReadonlyArray<readonly [Digest, ItemResult]> =>
            outcome.ok ? [[batch[index].key, outcome.result]] : [],
          ),
          Date.now(),
        )
        for (const [index, outcome] of outcomes) {
          done(batch[index].key, outcome)
        }
      },
    }
    const work: Effect.Effect<void, TaskFailed | WorkerDied | StoreError | StoreDamaged> =
      map.run === undefined
        ? run.executor.run(task(batch), hooks, { fresh: false }).pipe(Effect.asVoid)
        : Effect.tryPromise({
            try: (signal) => executeMap(store, node.definition, task(batch), { ...hooks, signal }),
            catch: taskFailure,
          })
    yield* work.pipe(pools.hold({ ...share, cpu: 1 }))
  })
  // A worker that dies takes its whole batch down: each of its items is tried once more, alone, to find the culprit.
  const alone = (item: Item) =>
    attempt([item]).pipe(
      Effect.catchTag("WorkerDied", (died) =>
        Effect.sync(() => done(item.key, { ok: false, error: died.message })),
      ),
    )
  const batchOrOneByOne = (batch: ReadonlyArray<Item>) =>
    attempt(batch).pipe(Effect.catchTag("WorkerDied", () => Effect.forEach(batch, alone, { discard: true })))
  const size = io ? todo.length : batchSize(todo.length, pools.sizes.cpu)
  const batches: Array<ReadonlyArray<Item>> = []
  for (let at = 0; at < todo.length; at += size) batches.push(todo.slice(at, at + size))
  yield* Effect.forEach(batches, batchOrOneByOne, { concurrency: pools.sizes.cpu, discard: true })
})

const assemble = (
  run: NodeRun,
  items: ReadonlyArray<Item>,
  results: ReadonlyMap<Digest, ItemOutcome>,
): Outputs => {
  const { node, store } = run
  const map = node.definition.map!
  const [port] = Object.keys(node.definition.outputs)
  const type = node.outputs[port]
  const artifact = outputType(node.definition, port)
  const rows: Array<Row> = []
  const rejected: Array<Row> = []
  for (const { row, key } of items) {
    const outcome = results.get(key)!
    if (!outcome.ok) {
      rejected.push(failedReject(row, outcome.error))
      continue
    }
    rows.push(
      ...(map.over === undefined
        ? (outcome.result.rows as ReadonlyArray<Row>)
        : overlay(row, outcome.result)),
    )
    rejected.push(...rejectsOf(row, outcome.result))
  }
  for (const row of rows) checkRow(artifact, type.requires, row, `${node.uses}.${port}`)
  const outputs = {
    [port]: writeTable(store.blobs, type.name, rows),
    rejected: writeTable(store.blobs, "Rejects", rejected),
  }
  store.blobs.flush()
  return outputs
}
