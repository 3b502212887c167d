import type { AmbientRead } from "../../schema/audit.ts"
import type { ItemOutcome, Outputs, Task } from "./task.ts"

/** From the engine to a worker process. */
export type ToWorker =
  | { readonly type: "start"; readonly id: number; readonly task: Task }
  | { readonly type: "stop" }

/** From a worker process to the engine. */
export type FromWorker =
  | { readonly type: "ready" }
  | { readonly type: "log"; readonly id: number; readonly line: string }
  | { readonly type: "warn"; readonly id: number; readonly message: string }
  | {
      readonly type: "progress"
      readonly id: number
      readonly done: number
      readonly total: number
      readonly note?: string
    }
  | {
      readonly type: "items"
      readonly id: number
      readonly outcomes: ReadonlyArray<readonly [number, ItemOutcome]>
    }
  | { readonly type: "undeclared"; readonly id: number; readonly read: AmbientRead }
  | { readonly type: "done"; readonly id: number; readonly outputs: Outputs }
  | { readonly type: "failed"; readonly id: number; readonly error: string; readonly stack?: string }
