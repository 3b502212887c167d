import type { Digest } from "../../schema/digest.ts"
import type { NodeTrace } from "../../schema/trace.ts"
import type { GraphNode } from "../graph.ts"
import { idOfLine, linesOf } from "../store/chunker.ts"
import type { OpenStore } from "../store/store.ts"
import { tableManifest, type TableChunk } from "../store/tables.ts"
import type { ChunkResult } from "../store/traces.ts"

/** What a row gave when it was mapped before: lines of canonical JSON by output port. */
export interface EarlierRow {
  readonly at: number
  readonly lines: Readonly<Record<string, ReadonlyArray<string>>>
}

/** A chunk of the node's last input, with what each of its rows gave. */
interface EarlierChunk {
  readonly lines: ReadonlyArray<string>
  readonly row: (at: number) => EarlierRow
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
    this.#chunks = known ? tableManifest(store.blobs, input.digest).chunks : []
  }

  /** For the rows of a chunk of now, in order: what each gave before, if it is there unchanged. */
  of(lines: ReadonlyArray<string>): (at: number) => EarlierRow | undefined {
    const [first, last] = [lines[0], lines.at(-1)]
    if (this.#chunks.length === 0 || first === undefined || last === undefined) return () => undefined
    const [from, to] = [this.#covering(idOfLine(first)), this.#covering(idOfLine(last))]
    const found: Array<EarlierRow | undefined> = Array.from({ length: lines.length })
    let now = 0
    for (let at = from; at <= to && at < this.#chunks.length; at++) {
      const chunk = this.#chunk(at)
      if (chunk === undefined) continue
      for (let before = 0; before < chunk.lines.length && now < lines.length;) {
        if (chunk.lines[before] === lines[now]) found[now++] = chunk.row(before++)
        else {
          const [a, b] = [idOfLine(chunk.lines[before]!), idOfLine(lines[now]!)]
          if (a <= b) before++
          if (b <= a) now++
        }
      }
    }
    return (at) => found[at]
  }

  /** Position of the chunk that holds an id, if any does. */
  #covering(id: string): number {
    let [low, high] = [0, this.#chunks.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.#chunks[middle]!.last < id) low = middle + 1
      else high = middle
    }
    return low
  }

  #chunk(at: number): EarlierChunk | undefined {
    if (this.#read?.at === at) return this.#read.chunk
    const { chunk } = this.#chunks[at]!
    const kept = this.#store.traces.chunk(this.#keyOf(chunk.$blob), this.#since)
    const whole =
      kept?.result.shape !== undefined && this.#store.blobs.has(chunk.$blob)
        ? earlierChunk(
            this.#store,
            linesOf(this.#store.blobs, chunk),
            kept.at,
            kept.result,
            kept.result.shape,
          )
        : undefined
    this.#read = { at, chunk: whole }
    return whole
  }
}

const earlierChunk = (
  store: OpenStore,
  lines: ReadonlyArray<string>,
  at: number,
  result: ChunkResult,
  shape: NonNullable<ChunkResult["shape"]>,
): EarlierChunk | undefined => {
  const ports: Array<readonly [string, ReadonlyArray<string>, Uint32Array]> = []
  for (const [port, { chunks }] of Object.entries(result.ports)) {
    if (!chunks.every(({ chunk }) => store.blobs.has(chunk.$blob))) return undefined
    const given = chunks.flatMap(({ chunk }) => linesOf(store.blobs, chunk))
    ports.push([port, given, startsOf(shape[port] ?? [], lines.length)])
  }
  return {
    lines,
    row: (row) => ({
      at,
      lines: Object.fromEntries(
        ports.map(([port, given, starts]) => [port, given.slice(starts[row], starts[row + 1])]),
      ),
    }),
  }
}

/** Where the rows of each item begin, from run-length coded counts. */
const startsOf = (shape: ReadonlyArray<number>, items: number): Uint32Array => {
  const starts = new Uint32Array(items + 1)
  let [item, row] = [0, 0]
  for (let at = 0; at < shape.length; at += 2)
    for (let times = shape[at + 1]!; times > 0; times--) starts[++item] = row += shape[at]!
  return starts
}
