import type { AmbientRead } from "../schema/audit.ts"
import type { BlobRef } from "../schema/blob.ts"
import type { Json } from "../schema/json.ts"
import type { StoredFiles } from "./store/files.ts"

/** Blobs of the store, as an implementation sees them. */
export interface Blobs {
  readonly get: (ref: BlobRef) => Promise<Uint8Array>
  readonly put: (bytes: Uint8Array, media?: string) => Promise<BlobRef>
  /** Puts a file of the disk, of any size. */
  readonly putFile: (path: string, media?: string) => Promise<BlobRef>
  /** Writes a blob, of any size, to a file that is not there yet. */
  readonly copyTo: (ref: BlobRef, path: string) => Promise<void>
}

/**
 * A whole-input node's memory of parts of its own work, so that a little more input costs a little more work: what a
 * chunk of a table comes to, whether two pictures are alike. A part must depend on `of` and the code alone: whatever
 * parameter it uses belongs into `of`.
 */
export interface Recall {
  readonly get: (name: string, of: Json) => Json | undefined
  /** A part that names blobs (`BlobRef`) keeps them as long as it is kept itself. */
  readonly put: (name: string, of: Json, part: Json) => void
  /** Makes what was put, and the blobs it names, durable now: a process that is killed afterwards has lost none of it. */
  readonly flush: () => void
}

/** What the engine hands to an implementation besides its inputs and parameters. */
export interface NodeContext {
  /** The seed of the node (its `seed` parameter, else the document's `params.seed`) where it is `seeded`, else 0. */
  readonly seed: number
  readonly blobs: Blobs
  /** An empty folder of this node's own, removed afterwards. */
  readonly scratch: () => Promise<string>
  /** Files declared by the definition's `files`, by the same names: absolute path of a file or folder. */
  readonly files: Readonly<Record<string, string>>
  /** Values of the secrets that the parameters name as `{ $secret: NAME }`. Never part of key, log or result. */
  readonly secrets: Readonly<Record<string, string>>
  /**
   * Puts a file or folder of the disk (one of `files`, or in the scratch folder) into the store: the value of an
   * output port of type Files. Files that did not change since they were last read are not read. Links stand for
   * what they point at; those that lead out of the folder `within` are refused.
   */
  readonly capture: (path: string, options?: { readonly within?: string }) => Promise<StoredFiles>
  /** Whole-input nodes: see `Recall`. In a mapping node it remembers nothing; each of its items is a part already. */
  readonly recall: Recall
  /** A line for the node's log. */
  readonly log: (line: string) => void
  /** Something a person should see although the node goes on. */
  readonly warn: (message: string) => void
  readonly progress: (done: number, total: number, note?: string) => void
  readonly signal: AbortSignal
  /** Permits of the node's resources: what `cpu`, `net` … were granted. Never part of a result. */
  readonly granted: { readonly cpu: number; readonly net: number; readonly gpu: number }
  /**
   * There while the node is audited (`dag run --audit`), and only then. A node that runs other programs watches
   * what they read and tells of what nobody declared; what happens in the node's own process is watched already.
   */
  readonly audit?: {
    /** The folder of the project. */
    readonly root: string
    readonly undeclared: (read: Omit<AmbientRead, "times">) => void
  }
}
