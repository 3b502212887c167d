import type { Auditor } from "../audit/auditor.ts"
import { describeError } from "../describe-error.ts"
import type { NodeDefinition } from "../node.ts"
import { storeFailure } from "../store/errors.ts"
import { openStore, type OpenStore } from "../store/store.ts"
import { executeMap } from "./execute-map.ts"
import { executeRun } from "./execute-run.ts"
import type { FromWorker, ToWorker } from "./messages.ts"
import { withOpenPorts } from "./open-ports.ts"
import type { Task, TaskHooks } from "./task.ts"

/**
 * The main loop of a worker process: takes tasks over the channel of its parent, one at a time, and dies with it.
 * Node implementations (and their native code) run here, so that a crash takes down one task and nothing else.
 */
export const serveTasks = (options: {
  readonly store: string
  readonly definitionOf: (task: Task) => Promise<NodeDefinition>
  /** In processes that watch what tasks read. */
  readonly auditor?: Auditor
}): void => {
  // Opened at once, while the engine prepares the task; a store that cannot be opened is the task's error.
  const opened = openNow(options.store)
  const abort = new AbortController()
  const send = (message: FromWorker): void => {
    process.send?.(message)
  }
  const leave = (): void => {
    abort.abort()
    process.exit(0)
  }
  process.on("disconnect", leave)
  const perform = async (id: number, task: Task): Promise<void> => {
    const hooks: TaskHooks = {
      signal: abort.signal,
      log: (line) => send({ type: "log", id, line }),
      warn: (message) => send({ type: "warn", id, message }),
      progress: (done, total, note) =>
        send({ type: "progress", id, done, total, ...(note === undefined ? {} : { note }) }),
      items: (outcomes) => send({ type: "items", id, outcomes }),
      ...(task.watch === undefined ? {} : { undeclared: (read) => send({ type: "undeclared", id, read }) }),
    }
    const tell = (): void => {
      for (const read of options.auditor?.take() ?? []) hooks.undeclared?.(read)
    }
    try {
      const store = opened()
      const { watch } = task
      if (watch !== undefined) options.auditor?.begin({ ...task, watch }, store)
      const type = await options.definitionOf(task)
      const definition = task.kind === "run" ? withOpenPorts(type, task.open, task.params) : type
      if (task.kind === "map") await executeMap(store, definition, task, hooks)
      const outputs = task.kind === "run" ? await executeRun(store, definition, task, hooks) : {}
      store.publish()
      tell()
      send({ type: "done", id, outputs })
    } catch (error) {
      tell()
      const stack = error instanceof Error ? error.stack : undefined
      send({ type: "failed", id, error: describeError(error), ...(stack === undefined ? {} : { stack }) })
    }
  }
  process.on("message", (message: ToWorker) => {
    if (message.type === "stop") leave()
    else void perform(message.id, message.task)
  })
  send({ type: "ready" })
}

/** Opens the store; what goes wrong is thrown when the store is asked for. */
const openNow = (root: string): (() => OpenStore) => {
  try {
    const store = openStore(root)
    return () => store
  } catch (cause) {
    const failure = storeFailure(`open the store ${root} in a worker process`, cause)
    return () => {
      throw failure
    }
  }
}
