import type { BlobRef } from "../../schema/blob.ts"
import type { Digest } from "../../schema/digest.ts"
import { canonical } from "../../schema/json.ts"
import type { OutputRecord } from "../../schema/trace.ts"
import type { TableHandle } from "../handles.ts"
import type { BlobStore } from "./blobs.ts"
import { Chunker, idOfLine, linesOf, type ChunkRun } from "./chunker.ts"
import { duplicateId, RowSorter } from "./row-sorter.ts"

/** What the digest of a table is the digest of. */
export interface TableManifest {
  readonly record: "table"
  readonly rows: number
  readonly bytes: number
  readonly chunks: ReadonlyArray<TableChunk>
}

export interface TableChunk {
  readonly chunk: BlobRef
  readonly rows: number
  /** Id of its last row. */
  readonly last: string
}

const encoder = new TextEncoder()
const decoder = new TextDecoder()

/**
 * Writes a table in bounded memory. Rows that come in the order of their ids are written as they come; from the
 * first that does not, all are sorted. The digest depends on the rows alone.
 */
export class TableWriter {
  readonly #blobs: BlobStore
  #chunker: Chunker
  #sorter: RowSorter | undefined

  constructor(blobs: BlobStore) {
    this.#blobs = blobs
    this.#chunker = new Chunker(blobs)
  }

  row(id: string, line: string): void {
    if (this.#sorter === undefined && !this.#follows(id)) this.#sort()
    if (this.#sorter === undefined) this.#chunker.row(id, line)
    else this.#sorter.add({ id, line })
  }

  /** Rows that were cut into chunks before. */
  run(run: ChunkRun): void {
    const [start] = run.chunks
    if (start === undefined) return
    if (this.#sorter === undefined && this.#follows(start.first)) this.#chunker.run(run)
    else
      for (const { chunk } of run.chunks)
        for (const line of linesOf(this.#blobs, chunk)) this.row(idOfLine(line), line)
  }

  end(type: string): OutputRecord {
    if (this.#sorter !== undefined) {
      this.#chunker = new Chunker(this.#blobs)
      for (const { id, line } of this.#sorter.sorted()) this.#chunker.row(id, line)
    }
    const { chunks } = this.#chunker.end()
    const rows = chunks.reduce((sum, chunk) => sum + chunk.rows, 0)
    const bytes = chunks.reduce((sum, { chunk }) => sum + chunk.bytes, 0)
    const manifest: TableManifest = {
      record: "table",
      rows,
      bytes,
      chunks: chunks.map(({ chunk, rows, last }) => ({ chunk, rows, last })),
    }
    const ref = this.#blobs.put(encoder.encode(canonical(manifest)), "application/json")
    return { type, digest: ref.$blob, rows, bytes: bytes + ref.bytes }
  }

  #follows(id: string): boolean {
    const { last } = this.#chunker
    if (last === id) throw duplicateId(id)
    return last === undefined || last < id
  }

  /** From here on everything is sorted, with what is already written. */
  #sort(): void {
    this.#sorter = new RowSorter()
    for (const { chunk } of this.#chunker.end().chunks)
      for (const line of linesOf(this.#blobs, chunk)) this.#sorter.add({ id: idOfLine(line), line })
  }
}

/** Writes a table of rows in any order. Throws when two rows have one id. */
export const writeTable = (
  blobs: BlobStore,
  type: string,
  rows: Iterable<{ readonly id: string }>,
): OutputRecord => {
  const writer = new TableWriter(blobs)
  for (const row of rows) writer.row(row.id, canonical(row))
  return writer.end(type)
}

/** The manifest of a table; throws where the digest is that of something else. */
export const tableManifest = (blobs: BlobStore, digest: Digest): TableManifest => {
  const value: unknown = JSON.parse(decoder.decode(blobs.get(digest)))
  if (typeof value !== "object" || value === null || !("record" in value) || value.record !== "table") {
    throw new Error(`artifact ${digest} is not a table`)
  }
  return value as TableManifest
}

export const readTable = <Row>(blobs: BlobStore, digest: Digest): TableHandle<Row> => {
  const manifest = tableManifest(blobs, digest)
  const rowsOf = (chunk: BlobRef): Array<Row> => linesOf(blobs, chunk).map((line) => JSON.parse(line) as Row)
  return {
    digest,
    rows: manifest.rows,
    stream: async function* () {
      for (const { chunk } of manifest.chunks) yield* rowsOf(chunk)
    },
    chunks: () => manifest.chunks.map(({ chunk }) => ({ digest: chunk.$blob, rows: () => rowsOf(chunk) })),
    all: async () => manifest.chunks.flatMap(({ chunk }) => rowsOf(chunk)),
    jsonl: async function* () {
      for (const { chunk } of manifest.chunks) yield blobs.get(chunk.$blob)
    },
  }
}
