import type { Digest } from "./digest.ts"
import type { ItemChanges, OutputRecord, Reason } from "./trace.ts"

export interface PlanItems {
  readonly total: number
  readonly cached: number
  readonly run: number
}

/** What would happen to a node. `depends`: an upstream runs, and whether this one does is known when its result is. */
export interface PlanNode {
  readonly id: string
  readonly uses: string
  readonly action: "cached" | "run" | "depends" | "skip"
  readonly reason: string
  readonly why: ReadonlyArray<Reason>
  readonly key?: Digest
  readonly items?: PlanItems
  readonly changes?: ItemChanges
  /** Milliseconds it took last time (per item where only some run), where it ever ran. */
  readonly estimateMs?: number
  /** Bytes of its results last time (per item where only some run), where it ever ran. */
  readonly estimateBytes?: number
  readonly outputs?: { readonly [port: string]: OutputRecord }
}

export interface Plan {
  readonly pipeline: string
  readonly targets: ReadonlyArray<string>
  readonly nodes: ReadonlyArray<PlanNode>
}
