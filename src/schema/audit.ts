/**
 * What code can read of the world around it, besides what it is given: `file` (content, listing or existence),
 * `environment` (a variable), `clock`, `random` (a source that no seed rules), `network`, `process` (another
 * program), `machine` (names, cores, memory, folders of this computer), `code` (a module outside of what its
 * fingerprint covers).
 */
export type AmbientKind =
  | "file"
  | "environment"
  | "clock"
  | "random"
  | "network"
  | "process"
  | "machine"
  | "code"

/** A place in a source file; line and column from 1. */
export interface Place {
  /** Absolute path. */
  readonly file: string
  readonly line: number
  readonly column: number
}

/** One thing that code read without declaring it. */
export interface AmbientRead {
  readonly kind: AmbientKind
  /** The path, the variable, the function, the host, the command. */
  readonly what: string
  /** Where in the node's own modules; absent where only a package or a program of another language is known. */
  readonly where?: Place
  /** The package that read on behalf of the node. */
  readonly through?: string
  readonly times: number
}

/** What came of auditing a node. */
export interface NodeAudit {
  readonly node: string
  readonly uses: string
  readonly status: "clean" | "undeclared" | "failed" | "unaudited"
  readonly ms: number
  /** What the node read without declaring it. */
  readonly reads: ReadonlyArray<AmbientRead>
  /** What packages looked at for their own purposes. */
  readonly notes: ReadonlyArray<AmbientRead>
  /** Why it failed, or was not audited. */
  readonly error?: string
}
