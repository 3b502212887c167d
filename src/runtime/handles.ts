import type { BlobRef } from "../schema/blob.ts"
import type { Digest } from "../schema/digest.ts"

/** A table as an implementation reads it: rows in the order of their ids, streamed from the store. */
export interface TableHandle<Row> {
  readonly digest: Digest
  readonly rows: number
  readonly stream: () => AsyncIterable<Row>
  /** The pieces the table is stored in: equal pieces of two tables have one digest. See `Recall`. */
  readonly chunks: () => Iterable<TableChunkHandle<Row>>
  /** All rows at once; for nodes whose memory is bounded otherwise. */
  readonly all: () => Promise<ReadonlyArray<Row>>
  /** The rows as lines of canonical JSON, in pieces of many lines. */
  readonly jsonl: () => AsyncIterable<Uint8Array>
}

/** A piece of a table: some rows in the order of their ids. */
export interface TableChunkHandle<Row> {
  readonly digest: Digest
  readonly rows: () => ReadonlyArray<Row>
}

export interface FileEntry {
  /** Relative path with `/`; empty for an artifact that is a single file without a name. */
  readonly path: string
  readonly blob: BlobRef
  readonly executable?: boolean
}

/** A file or folder as an implementation reads it. */
export interface FilesHandle {
  readonly digest: Digest
  readonly entries: ReadonlyArray<FileEntry>
  readonly read: (path: string) => Promise<Uint8Array>
  /** Writes everything read-only into a folder of the scratch space and gives its absolute path. */
  readonly materialize: () => Promise<string>
  /** Writes everything read-only to a path that is not there yet: a file where the artifact is one, else a folder. */
  readonly layAt: (path: string) => Promise<void>
}
