import { fork, type ChildProcess } from "node:child_process"
import { createInterface } from "node:readline"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { describeError } from "../describe-error.ts"
import { StoreDamaged, StoreError } from "../store/errors.ts"
import type { FromWorker, ToWorker } from "./messages.ts"
import type { Outputs, Task, TaskHooks } from "./task.ts"

/** A task that ended with an error of the implementation. */
export class TaskFailed extends Schema.TaggedError<TaskFailed>()("TaskFailed", {
  message: Schema.String,
  stack: Schema.optionalKey(Schema.String),
}) {}

/** Whatever an implementation threw, as the error of its task; trouble with the store stays what it is. */
export const taskFailure = (cause: unknown): TaskFailed | StoreError | StoreDamaged =>
  cause instanceof StoreError || cause instanceof StoreDamaged
    ? cause
    : new TaskFailed({
        message: describeError(cause),
        ...(cause instanceof Error && cause.stack !== undefined ? { stack: cause.stack } : {}),
      })

/** A worker process that ended in the middle of a task: killed, out of memory, crashed in native code. */
export class WorkerDied extends Schema.TaggedError<WorkerDied>()("WorkerDied", { message: Schema.String }) {}

/** Where tasks run. */
export class Executor extends Context.Service<
  Executor,
  {
    /** Runs a task. `fresh`: in a process of its own, so that nothing it leaves in memory meets another task. */
    readonly run: (
      task: Task,
      hooks: Omit<TaskHooks, "signal">,
      options: { readonly fresh: boolean },
    ) => Effect.Effect<Outputs, TaskFailed | WorkerDied>
  }
>()("facet/runtime/Executor") {
  /** Worker processes of `entry`, started when first needed and kept for the next task. */
  static readonly processes = (options: WorkerEntry): Layer.Layer<Executor> =>
    Layer.effect(Executor, workers(options))
}

/** How worker processes are started. */
export interface WorkerEntry {
  readonly entry: string
  readonly args: ReadonlyArray<string>
}

/** Workers that live as long as the scope. */
export const workers = Effect.fnUntraced(function* (options: WorkerEntry) {
  const idle: Array<Worker> = []
  const all = new Set<Worker>()
  yield* Effect.addFinalizer(() =>
    Effect.sync(() => {
      for (const worker of all) worker.kill()
    }),
  )
  const start = (): Worker => {
    const worker = new Worker(options.entry, options.args)
    all.add(worker)
    worker.onExit(() => {
      all.delete(worker)
      const at = idle.indexOf(worker)
      if (at >= 0) idle.splice(at, 1)
    })
    return worker
  }
  return Executor.of({
    run: (task, hooks, { fresh }) =>
      Effect.callback<Outputs, TaskFailed | WorkerDied>((resume) => {
        const worker = fresh ? start() : (idle.pop() ?? start())
        worker.perform(task, hooks, (result) => {
          if (result._tag === "WorkerDied") resume(Effect.fail(result))
          else {
            if (fresh) worker.stop()
            else idle.push(worker)
            resume(result._tag === "TaskFailed" ? Effect.fail(result) : Effect.succeed(result.outputs))
          }
        })
        return Effect.sync(() => worker.kill())
      }),
  })
})

interface RunningTask {
  readonly id: number
  readonly hooks: Omit<TaskHooks, "signal">
  readonly ended: (end: Ended) => void
}

type Ended = TaskFailed | WorkerDied | { readonly _tag: "Done"; readonly outputs: Outputs }

/** The environment of a worker: the same whatever the user's time zone and language. */
const environment = (): NodeJS.ProcessEnv => ({ ...process.env, TZ: "UTC", LC_ALL: "C" })

class Worker {
  readonly #child: ChildProcess
  #ready = false
  #waiting: ToWorker | undefined
  #task: RunningTask | undefined
  #count = 0
  #lastWords: Array<string> = []

  constructor(entry: string, args: ReadonlyArray<string>) {
    this.#child = fork(entry, [...args], {
      execPath: process.execPath,
      stdio: ["ignore", "pipe", "pipe", "ipc"],
      serialization: "advanced",
      env: environment(),
    })
    for (const stream of [this.#child.stdout!, this.#child.stderr!]) {
      createInterface({ input: stream }).on("line", (line) => {
        this.#lastWords = [...this.#lastWords.slice(-9), line]
        this.#task?.hooks.log(line)
      })
    }
    this.#child.on("message", (message) => this.#receive(message as FromWorker))
    this.#child.on("error", () => this.#die("could not be started"))
    this.#child.on("exit", (code, signal) =>
      this.#die(signal === null ? `exited with code ${code}` : `was ended by ${signal}`),
    )
  }

  perform(task: Task, hooks: Omit<TaskHooks, "signal">, ended: (end: Ended) => void): void {
    const id = ++this.#count
    this.#task = { id, hooks, ended }
    const message: ToWorker = { type: "start", id, task }
    if (this.#ready) this.#child.send(message)
    else this.#waiting = message
  }

  onExit(listener: () => void): void {
    this.#child.on("exit", listener)
  }

  stop(): void {
    if (this.#child.connected) this.#child.send({ type: "stop" } satisfies ToWorker)
  }

  kill(): void {
    this.#task = undefined
    this.#child.kill("SIGKILL")
  }

  #receive(message: FromWorker): void {
    if (message.type === "ready") {
      this.#ready = true
      if (this.#waiting !== undefined) this.#child.send(this.#waiting)
      this.#waiting = undefined
      return
    }
    const task = this.#task
    if (task === undefined || message.id !== task.id) return
    try {
      this.#tell(task, message)
    } catch (cause) {
      // The engine could not keep what the task gave (a full disk, say): the task must not go on as if it had.
      this.kill()
      task.ended(new TaskFailed({ message: describeError(cause) }))
    }
  }

  #tell(task: RunningTask, message: Exclude<FromWorker, { readonly type: "ready" }>): void {
    switch (message.type) {
      case "log":
        return task.hooks.log(message.line)
      case "warn":
        return task.hooks.warn?.(message.message)
      case "progress":
        return task.hooks.progress(message.done, message.total, message.note)
      case "items":
        return task.hooks.items(message.outcomes)
      case "undeclared":
        return task.hooks.undeclared?.(message.read)
      case "done":
        this.#task = undefined
        return task.ended({ _tag: "Done", outputs: message.outputs })
      case "failed": {
        this.#task = undefined
        const { error, stack } = message
        return task.ended(new TaskFailed({ message: error, ...(stack === undefined ? {} : { stack }) }))
      }
    }
  }

  #die(how: string): void {
    const task = this.#task
    this.#task = undefined
    const words = this.#lastWords.length === 0 ? "" : `; its last words:\n${this.#lastWords.join("\n")}`
    task?.ended(new WorkerDied({ message: `the worker process ${how}${words}` }))
  }
}
