import type { Digest } from "./digest.ts"

/** One place where two artifacts differ. Values are short texts for a person; absent on one side: null. */
export interface Difference {
  /** `row "a7…", field face.box.x`, `figures.accuracy`, `notes.txt, byte 17` */
  readonly at: string
  readonly before: string | null
  readonly after: string | null
}

/** How an output computed again compares with the one in the store. */
export interface PortCheck {
  readonly port: string
  readonly type: string
  readonly before: Digest | null
  readonly after: Digest | null
  readonly same: boolean
  /** How many rows (tables), files (Files) or values (json) differ, and of how many. */
  readonly counts?: {
    readonly of: number
    readonly changed: number
    readonly added: number
    readonly removed: number
  }
  /** The first few differences. */
  readonly first: ReadonlyArray<Difference>
}

/**
 * What came of computing a node again. `elsewhere`: the results differ, and so do the machines or the versions of
 * Node that made them, and the node does not promise the same bits then.
 */
export interface NodeCheck {
  readonly node: string
  readonly uses: string
  readonly status: "same" | "different" | "elsewhere" | "failed" | "unchecked"
  readonly ms: number
  readonly ports: ReadonlyArray<PortCheck>
  /** What is different between the environments of the two results. */
  readonly environment: ReadonlyArray<{
    readonly name: string
    readonly before: string
    readonly after: string
  }>
  /** Why it failed, or was not checked. */
  readonly error?: string
}
