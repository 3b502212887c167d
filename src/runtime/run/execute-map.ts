import { describeError } from "../describe-error.ts"
import type { NodeContext } from "../context.ts"
import type { NodeDefinition } from "../node.ts"
import type { OpenStore } from "../store/store.ts"
import type { ItemResult } from "../store/traces.ts"
import { implementation, isRecord, settle, type Callable } from "./call.ts"
import { withContext } from "./node-context.ts"
import { maskerOf } from "./secrets.ts"
import type { ItemOutcome, MapTask, TaskHooks } from "./task.ts"

/** How often the blobs of finished items are made durable, in ms. */
const FLUSH_EVERY = 250

/** How long items that never wait may keep a process to themselves, in ms: it has to hear Ctrl-C and show progress. */
const SLICE = 20

/** Runs some items of a mapping node. One bad item fails alone; only a failing store fails the task. */
export const executeMap = async (
  store: OpenStore,
  definition: NodeDefinition,
  task: MapTask,
  hooks: TaskHooks,
): Promise<void> => {
  const call = await implementation(definition)
  await withContext(store, task, hooks, async (context, _, isTroubled) => {
    let finished: Array<readonly [number, ItemOutcome]> = []
    let flushed = performance.now()
    const flush = (): void => {
      if (finished.length === 0) return
      store.blobs.flush()
      hooks.items(finished)
      finished = []
      flushed = performance.now()
    }
    let next = 0
    let turn = performance.now()
    const lane = async (): Promise<void> => {
      while (next < task.items.length && !hooks.signal.aborted && !isTroubled()) {
        const index = next++
        const outcome = await oneItem(call, task, context, task.items[index])
        if (isTroubled()) return
        finished.push([index, outcome])
        if (performance.now() - flushed > FLUSH_EVERY) flush()
        if (performance.now() - turn > SLICE) {
          await new Promise((resolve) => setImmediate(resolve))
          turn = performance.now()
        }
      }
    }
    await Promise.all(
      Array.from({ length: Math.max(1, Math.min(task.concurrency, task.items.length)) }, lane),
    )
    flush()
  })
}

const oneItem = async (
  call: Callable,
  task: MapTask,
  context: NodeContext,
  item: Readonly<Record<string, unknown>>,
): Promise<ItemOutcome> => {
  try {
    const value = await settle(call({ item, params: task.params, context }), context.signal)
    return { ok: true, result: asItemResult(value) }
  } catch (error) {
    return { ok: false, error: maskerOf(task.secrets)(describeError(error)) }
  }
}

const asItemResult = (value: unknown): ItemResult => {
  if (value === null || value === undefined) return { rows: [], rejected: [] }
  if (Array.isArray(value)) return { rows: value, rejected: [] }
  if (!isRecord(value)) throw new Error("a mapping implementation returns a row, rows, or null")
  if (!Array.isArray(value["rows"])) return { rows: [value], rejected: [] }
  return { rows: value["rows"], rejected: Array.isArray(value["rejected"]) ? value["rejected"] : [] }
}
