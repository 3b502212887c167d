import type { BlobRef } from "../../schema/blob.ts"
import type { BlobStore } from "./blobs.ts"

/** A piece of a table: canonical rows, one a line, in the order of their ids. */
export interface Chunk {
  readonly chunk: BlobRef
  readonly rows: number
  readonly first: string
  readonly last: string
}

/** Rows in order, cut as a table that begins with them is cut. `open`: rows that follow belong to the last chunk. */
export interface ChunkRun {
  readonly chunks: ReadonlyArray<Chunk>
  readonly open: boolean
}

/** A chunk ends after about this many rows, where the hash of an id says so; and at most after so many rows or characters. */
const CHUNK_MASK = 0x1ff
const MOST_ROWS = 4096
const MOST_TEXT = 4 << 20

const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** FNV-1a, 32 bits: only to place chunk borders by content, so that one row added or removed moves one chunk. */
const fnv1a = (text: string): number => {
  let h = 0x811c9dc5
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193)
  return h >>> 0
}

/** The lines of a chunk, without their ends. */
export const linesOf = (blobs: BlobStore, chunk: BlobRef): ReadonlyArray<string> => {
  const lines = decoder.decode(blobs.get(chunk.$blob)).split("\n")
  lines.pop()
  return lines
}

const QUOTE = 0x22
const BACKSLASH = 0x5c

/** The `id` of a row in canonical JSON, without reading the whole row: the value of the first key `id` at its top. */
export const idOfLine = (line: string): string => {
  let depth = 0
  for (let at = 0; at < line.length; at++) {
    const c = line.charCodeAt(at)
    if (c === 0x7b || c === 0x5b) depth++
    else if (c === 0x7d || c === 0x5d) depth--
    else if (c === QUOTE) {
      const from = at
      for (at++; line.charCodeAt(at) !== QUOTE; at++) if (line.charCodeAt(at) === BACKSLASH) at++
      if (depth === 1 && at - from === 3 && line.startsWith(`"id":"`, from)) {
        let to = from + 6
        while (line.charCodeAt(to) !== QUOTE) to += line.charCodeAt(to) === BACKSLASH ? 2 : 1
        return JSON.parse(line.slice(from + 5, to + 1)) as string
      }
    }
  }
  throw new Error(`a row without an id: ${line.slice(0, 80)}`)
}

/**
 * Cuts ascending rows into chunks. Where the borders fall depends on the rows alone: whoever writes the same rows,
 * one by one or in runs cut before, writes the same chunks.
 */
export class Chunker {
  readonly #blobs: BlobStore
  #chunks: Array<Chunk> = []
  #lines: Array<string> = []
  #text = 0
  #first = ""
  #last: string | undefined
  #open = false

  constructor(blobs: BlobStore) {
    this.#blobs = blobs
  }

  /** Id of the last row so far. */
  get last(): string | undefined {
    return this.#last
  }

  /** Adds a row in canonical JSON; its id has to come after `last`. */
  row(id: string, line: string): void {
    this.#reopen()
    if (this.#lines.length === 0) this.#first = id
    this.#lines.push(line)
    this.#text += line.length
    this.#last = id
    const border = (fnv1a(id) & CHUNK_MASK) === 0
    if (border || this.#lines.length >= MOST_ROWS || this.#text >= MOST_TEXT) this.#close()
  }

  /** Adds rows that were cut before: as they are, where they begin at a border. */
  run({ chunks, open }: ChunkRun): void {
    for (const [at, chunk] of chunks.entries()) {
      this.#reopen()
      if (this.#lines.length > 0) {
        for (const line of linesOf(this.#blobs, chunk.chunk)) this.row(idOfLine(line), line)
      } else {
        this.#chunks.push(chunk)
        this.#last = chunk.last
        this.#open = open && at === chunks.length - 1
      }
    }
  }

  end(): ChunkRun {
    const open = this.#open || this.#lines.length > 0
    if (this.#lines.length > 0) this.#close()
    return { chunks: this.#chunks, open }
  }

  /** Takes a chunk that did not end at a border up again. */
  #reopen(): void {
    if (!this.#open) return
    this.#open = false
    const chunk = this.#chunks.pop()!
    this.#lines = [...linesOf(this.#blobs, chunk.chunk)]
    this.#text = this.#lines.reduce((sum, line) => sum + line.length, 0)
    this.#first = chunk.first
  }

  #close(): void {
    const content = encoder.encode(`${this.#lines.join("\n")}\n`)
    const chunk = this.#blobs.put(content, "application/jsonl")
    this.#chunks.push({ chunk, rows: this.#lines.length, first: this.#first, last: this.#last! })
    this.#lines = []
    this.#text = 0
  }
}
