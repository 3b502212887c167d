import * as Effect from "effect/Effect"
import type { Digest } from "../../schema/digest.ts"
import type { Item } from "../plan/items.ts"
import type { StoreDamaged, StoreError } from "../store/errors.ts"
import { storeTry } from "../store/store.ts"
import type { ItemResult } from "../store/traces.ts"
import { executeMap } from "./execute-map.ts"
import { taskFailure, type TaskFailed, type WorkerDied } from "./executor.ts"
import type { Outcome } from "./piece.ts"
import { granted } from "./pools.ts"
import type { NodeRun } from "./compute-node.ts"
import type { ItemOutcome, MapTask } from "./task.ts"

/**
 * How many items go to a worker at once: few enough to share out evenly, many enough to spread the cost of a flush.
 * Items that the engine's own process computes go all together, and are made durable by the clock.
 */
const batchSize = (items: number, workers: number): number =>
  Math.max(1, Math.min(32, Math.ceil(items / (workers * 8))))

/** Tells how long a batch took, once it has its turn, and how it ended. */
const timed = <E extends { readonly message: string }>(
  { node, emit }: NodeRun,
  items: number,
  work: Effect.Effect<void, E>,
): Effect.Effect<void, E> =>
  Effect.suspend(() => {
    const since = performance.now()
    const tell = (error?: string): void =>
      emit({
        type: "node-batch",
        node: node.id,
        items,
        ms: performance.now() - since,
        ...(error === undefined ? {} : { error }),
      })
    return work.pipe(
      Effect.tap(() => Effect.sync(() => tell())),
      Effect.tapError((error) => Effect.sync(() => tell(error.message))),
    )
  })

/**
 * Computes items, in batches on as many workers as there are; `done` is told of each as it ends, after its result is
 * durable. An item that fails, or takes its worker down, fails alone.
 */
export const computeItems = Effect.fnUntraced(function* (
  run: NodeRun,
  todo: ReadonlyArray<Item>,
  done: (item: Item, outcome: Outcome) => void,
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
        const at = Date.now()
        store.traces.addItems(
          outcomes.flatMap(([index, outcome]): ReadonlyArray<readonly [Digest, ItemResult]> =>
            outcome.ok ? [[batch[index].key, store.forgotten.without(outcome.result)]] : [],
          ),
          at,
        )
        for (const [index, outcome] of outcomes)
          done(batch[index], outcome.ok ? { ok: true, at, result: outcome.result } : outcome)
      },
    }
    const inWorker = Effect.gen(function* () {
      yield* storeTry("hand over to a worker", () => store.publish())
      yield* run.executor.run(task(batch), hooks, { fresh: false })
    })
    const work: Effect.Effect<void, TaskFailed | WorkerDied | StoreError | StoreDamaged> =
      map.run === undefined
        ? inWorker
        : Effect.tryPromise({
            try: (signal) => executeMap(store, node.definition, task(batch), { ...hooks, signal }),
            catch: taskFailure,
          })
    yield* timed(run, batch.length, work).pipe(pools.hold({ ...share, cpu: 1 }))
  })
  // A worker that dies takes its whole batch down: each of its items is tried once more, alone, to find the culprit.
  const alone = (item: Item) =>
    attempt([item]).pipe(
      Effect.catchTag("WorkerDied", (died) =>
        Effect.sync(() => done(item, { ok: false, error: died.message })),
      ),
    )
  const batchOrOneByOne = (batch: ReadonlyArray<Item>) =>
    attempt(batch).pipe(Effect.catchTag("WorkerDied", () => Effect.forEach(batch, alone, { discard: true })))
  const size = io || map.run !== undefined ? todo.length : batchSize(todo.length, pools.sizes.cpu)
  const batches: Array<ReadonlyArray<Item>> = []
  for (let at = 0; at < todo.length; at += size) batches.push(todo.slice(at, at + size))
  yield* Effect.forEach(batches, batchOrOneByOne, { concurrency: pools.sizes.cpu, discard: true })
})
