import type { Digest } from "../../schema/digest.ts"
import type { ItemChanges, NodeTrace } from "../../schema/trace.ts"
import type { GraphNode } from "../graph.ts"
import { idOfLine, linesOf } from "../store/chunker.ts"
import type { OpenStore } from "../store/store.ts"
import { tableManifest, type TableChunk } from "../store/tables.ts"
import type { ChunkResult, Kept } from "../store/traces.ts"

/** What a row gave when it was mapped before: lines of canonical JSON by output port. */
export interface EarlierRow {
  readonly at: number
  readonly lines: Readonly<Record<string, ReadonlyArray<string>>>
}

/** A chunk of the node's last input, with what each of its rows gave, where that was kept. */
interface EarlierChunk {
  readonly lines: ReadonlyArray<string>
  readonly row: (at: number) => EarlierRow | undefined
}

/**
 * The last input of a mapping node, for rows that stand unchanged in a chunk that changed: what they gave can be
 * taken over as text. Only where code, parameters and all other inputs are those of now.
 */
export class EarlierRows {
  readonly #store: OpenStore
  readonly #since: number
  readonly #keyOf: (chunk: Digest) => Digest
  readonly #chunks: ReadonlyArray<TableChunk>
  readonly #digests: ReadonlySet<string>
  readonly #rows: number
  #added = 0
  #changed = 0
  /** The chunk read last: a border that moved makes two new chunks ask for it. */
  #read: { readonly at: number; readonly chunk: EarlierChunk | undefined } | undefined

  constructor(options: {
    readonly store: OpenStore
    readonly node: GraphNode
    readonly keyOf: (chunk: Digest) => Digest
    readonly since: number
    readonly previous: NodeTrace | undefined
  }) {
    const { store, node, previous } = options
    this.#store = store
    this.#since = options.since
    this.#keyOf = options.keyOf
    const input = previous?.inputs[node.definition.map!.over!]?.[0]
    // Whether the rest of the key is the same is seen chunk by chunk: another key has no result.
    const known = input !== undefined && store.blobs.has(input.digest)
    const { chunks, rows } = known ? tableManifest(store.blobs, input.digest) : { chunks: [], rows: 0 }
    this.#chunks = chunks
    this.#digests = new Set(chunks.map(({ chunk }) => chunk.$blob))
    this.#rows = rows
  }

  /** Whether the last input held a chunk as it is now. */
  holds(chunk: Digest): boolean {
    return this.#digests.has(chunk)
  }

  /** How a table of so many rows differs from the last input, once all its chunks that are not held were asked for. */
  changes(total: number): ItemChanges | undefined {
    if (this.#chunks.length === 0) return undefined
    return { added: this.#added, changed: this.#changed, removed: this.#rows + this.#added - total }
  }

  /** For the rows of a chunk of now, in order: what each gave before, if it is there unchanged. */
  of(lines: ReadonlyArray<string>): (at: number) => EarlierRow | undefined {
    const [first, last] = [lines[0], lines.at(-1)]
    if (this.#chunks.length === 0 || first === undefined || last === undefined) return () => undefined
    const [from, to] = [this.#covering(idOfLine(first)), this.#covering(idOfLine(last))]
    this.#added += lines.length
    const found: Array<EarlierRow | undefined> = Array.from({ length: lines.length })
    let now = 0
    for (let at = from; at <= to && at < this.#chunks.length; at++) {
      const chunk = this.#chunk(at)
      if (chunk === undefined) continue
      for (let before = 0; before < chunk.lines.length && now < lines.length;) {
        if (chunk.lines[before] === lines[now]) {
          found[now++] = chunk.row(before++)
          this.#added--
          continue
        }
        const [a, b] = [idOfLine(chunk.lines[before]), idOfLine(lines[now])]
        if (a === b) {
          this.#changed++
          this.#added--
        }
        if (a <= b) before++
        if (b <= a) now++
      }
    }
    return (at) => found[at]
  }

  /** Position of the chunk that holds an id, if any does. */
  #covering(id: string): number {
    let [low, high] = [0, this.#chunks.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.#chunks[middle].last < id) low = middle + 1
      else high = middle
    }
    return low
  }

  #chunk(at: number): EarlierChunk | undefined {
    if (this.#read?.at === at) return this.#read.chunk
    const store = this.#store
    const { $blob } = this.#chunks[at].chunk
    const lines = store.blobs.has($blob) ? linesOf(store.blobs, this.#chunks[at].chunk) : undefined
    const kept = store.traces.chunk(this.#keyOf($blob), this.#since)
    const row = (lines && kept && rowsOf(store, lines.length, kept)) ?? (() => undefined)
    const chunk = lines && { lines, row }
    this.#read = { at, chunk }
    return chunk
  }
}

/** Takes apart what a chunk gave, row by row; undefined where it cannot be told or is not there any more. */
const rowsOf = (
  store: OpenStore,
  items: number,
  { at, result }: Kept<ChunkResult>,
): EarlierChunk["row"] | undefined => {
  const { ports: runs, shape } = result
  if (shape === undefined || !store.forgotten.allowsChunk(result)) return undefined
  const ports: Array<readonly [string, ReadonlyArray<string>, Uint32Array]> = []
  for (const [port, { chunks }] of Object.entries(runs)) {
    if (!chunks.every(({ chunk }) => store.blobs.has(chunk.$blob))) return undefined
    const given = chunks.flatMap(({ chunk }) => linesOf(store.blobs, chunk))
    ports.push([port, given, startsOf(shape[port] ?? [], items)])
  }
  return (row) => ({
    at,
    lines: Object.fromEntries(
      ports.map(([port, given, starts]) => [port, given.slice(starts[row], starts[row + 1])]),
    ),
  })
}

/** Where the rows of each item begin, from run-length coded counts. */
const startsOf = (shape: ReadonlyArray<number>, items: number): Uint32Array => {
  const starts = new Uint32Array(items + 1)
  let [item, row] = [0, 0]
  for (let at = 0; at < shape.length; at += 2)
    for (let times = shape[at + 1]; times > 0; times--) starts[++item] = row += shape[at]
  return starts
}
