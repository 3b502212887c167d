import type { Digest } from "./digest.ts"
import type { ItemCounts, NodeReport, OutputRecord, Reason, RunRecord } from "./trace.ts"

/** Everything that happens in a run, in order. Terminal, JSON and pages are views of these. */
export type RunEvent =
  | {
      readonly type: "run-started"
      readonly run: string
      readonly pipeline: string
      readonly nodes: ReadonlyArray<{ readonly id: string; readonly uses: string }>
    }
  | {
      readonly type: "node-cached"
      readonly node: string
      readonly key?: Digest
      readonly outputs: { readonly [port: string]: OutputRecord }
    }
  | {
      readonly type: "node-started"
      readonly node: string
      readonly key?: Digest
      readonly reason: string
      readonly why: ReadonlyArray<Reason>
      /** `cached` is absent where it is not known before all items were looked at. */
      readonly items?: { readonly total: number; readonly cached?: number }
    }
  | {
      readonly type: "node-progress"
      readonly node: string
      readonly done: number
      readonly total: number
      readonly note?: string
    }
  /** Some items of a mapping node were computed together, in `ms`, and how that failed where it did. */
  | {
      readonly type: "node-batch"
      readonly node: string
      readonly items: number
      readonly ms: number
      readonly error?: string
    }
  | { readonly type: "node-log"; readonly node: string; readonly line: string }
  | { readonly type: "node-retry"; readonly node: string; readonly attempt: number; readonly error: string }
  | {
      readonly type: "node-finished"
      readonly node: string
      readonly ms: number
      readonly outputs: { readonly [port: string]: OutputRecord }
      readonly items?: ItemCounts
    }
  | { readonly type: "node-failed"; readonly node: string; readonly ms: number; readonly error: string }
  | { readonly type: "node-skipped"; readonly node: string; readonly because: string }
  | { readonly type: "warning"; readonly node?: string; readonly message: string }
  | { readonly type: "run-finished"; readonly record: RunRecord }

export type { NodeReport }
