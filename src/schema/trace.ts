import type { Digest } from "./digest.ts"
import type { Json } from "./json.ts"

/** One artifact a node gave: `type` is the name of its artifact type. */
export interface OutputRecord {
  readonly type: string
  readonly digest: Digest
  /** Tables, and only they. */
  readonly rows?: number
  readonly bytes: number
}

/** One artifact a node took, and from where. Only the digest is part of a key. */
export interface InputRecord {
  readonly node: string
  readonly port: string
  readonly digest: Digest
}

export interface ItemCounts {
  readonly total: number
  readonly cached: number
  readonly ran: number
  readonly failed: number
}

/** How the items of a mapping node differ from those of its last trace, by their ids. */
export interface ItemChanges {
  readonly added: number
  readonly changed: number
  readonly removed: number
}

/** Why a node runs, or may. One record a cause; what a person reads is made by `reasonText`. */
export type Reason =
  | { readonly kind: "cached" }
  | { readonly kind: "never" }
  | { readonly kind: "param"; readonly name: string; readonly before: Json; readonly after: Json }
  | {
      readonly kind: "input"
      readonly port: string
      readonly from: string
      readonly before: Digest | null
      readonly after: Digest | null
    }
  | {
      readonly kind: "file"
      readonly name: string
      readonly path: string
      readonly before: Digest | null
      readonly after: Digest
    }
  | { readonly kind: "code"; readonly changed: ReadonlyArray<string> }
  | { readonly kind: "forced" }
  | { readonly kind: "refreshed"; readonly age?: number }
  | { readonly kind: "missing-output"; readonly port: string }
  | { readonly kind: "failed-items"; readonly count: number }
  | { readonly kind: "forgotten" }
  | { readonly kind: "depends"; readonly on: ReadonlyArray<string> }
  | { readonly kind: "skipped"; readonly because: string }

/** What made a key: the pre-image in words, kept so that the next plan can say what is different. */
export interface KeyRecord {
  readonly uses: string
  readonly fingerprint: string
  readonly params: { readonly [name: string]: Json }
  readonly seed: number
  readonly inputs: { readonly [port: string]: ReadonlyArray<InputRecord> }
  readonly files: { readonly [name: string]: { readonly path: string; readonly digest: Digest } }
}

/** A key and what came of it. Only ever added. */
export interface NodeTrace extends KeyRecord {
  readonly key: Digest
  readonly pipeline: string
  readonly node: string
  readonly run: string
  readonly modules: { readonly [file: string]: string }
  readonly outputs: { readonly [port: string]: OutputRecord }
  readonly items?: ItemCounts
  /** Unix milliseconds. */
  readonly startedAt: number
  readonly ms: number
  readonly environment: {
    readonly node: string
    readonly platform: string
    readonly cpus: number
    /** The model of the processor: bits of floating-point sums may depend on it. */
    readonly processor?: string
  }
  readonly log?: Digest
  /** The set of removal requests under which it was made. */
  readonly forgotten?: string
}

export type NodeStatus = "cached" | "ran" | "failed" | "skipped"

export interface NodeReport {
  readonly id: string
  readonly uses: string
  readonly status: NodeStatus
  readonly reason: string
  readonly why: ReadonlyArray<Reason>
  readonly key?: Digest
  readonly ms: number
  readonly outputs: { readonly [port: string]: OutputRecord }
  readonly items?: ItemCounts
  readonly changes?: ItemChanges
  readonly error?: string
  /** What the node said, where it failed: the log of one that ran is in its trace. */
  readonly log?: Digest
  /** The set of removal requests under which it was made. */
  readonly forgotten?: string
}

export interface RunRecord {
  readonly id: string
  readonly pipeline: string
  readonly file: string
  readonly targets: ReadonlyArray<string>
  readonly status: "running" | "ok" | "failed" | "interrupted"
  readonly startedAt: number
  readonly ms: number
  readonly nodes: ReadonlyArray<NodeReport>
  /** What a person can open, by node. */
  readonly presented?: ReadonlyArray<{ readonly node: string; readonly path: string }>
}
