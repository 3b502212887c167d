import type { Digest } from "../../schema/digest.ts"
import type { ItemChanges, KeyRecord, NodeTrace } from "../../schema/trace.ts"
import type { GraphNode } from "../graph.ts"
import { linesOf } from "../store/chunker.ts"
import type { OpenStore } from "../store/store.ts"
import { tableManifest } from "../store/tables.ts"
import type { ChunkResult, Kept } from "../store/traces.ts"
import { itemMaker, type Item, type Row } from "./items.ts"
import { chunkKeys } from "./key.ts"
import { EarlierRows, type EarlierRow } from "./earlier.ts"

/** An item of an open piece, or a row that is as it was when all that it gave was kept. */
export type Entry =
  | { readonly kind: "item"; readonly item: Item }
  | { readonly kind: "as-before"; readonly earlier: EarlierRow }

/**
 * A part of a mapping node's work, in the order of the items: a chunk whose result is there, or one whose items have
 * to be looked at one by one.
 */
export type Piece =
  | { readonly kind: "kept"; readonly items: number; readonly kept: Kept<ChunkResult> }
  | {
      readonly kind: "open"
      readonly items: number
      /** Key of the chunk; absent for items that are made of parameters. */
      readonly key?: Digest
      readonly entries: () => ReadonlyArray<Entry>
    }

/** Items made of parameters that are looked at together. */
const TOGETHER = 512

export interface Work {
  readonly total: number
  readonly pieces: () => Iterable<Piece>
  /** How the items differ from those of the last trace; known once all pieces were gone through. */
  readonly changes: () => ItemChanges | undefined
}

/**
 * What a mapping node has before it, found at three grains: a chunk that was mapped before is not even read; in a
 * chunk that changed, a row that is byte for byte as it was in the node's last input is not parsed; the others are
 * looked up by their item keys. Results from before `since` (Unix ms) are not used.
 */
export const workOf = (options: {
  readonly store: OpenStore
  readonly node: GraphNode
  readonly record: KeyRecord
  readonly since: number
  readonly previous: NodeTrace | undefined
}): Work => {
  const { store, node, record, since, previous } = options
  const map = node.definition.map!
  const itemOf = itemMaker(node, record)
  const asItem = (row: Row): Entry => ({ kind: "item", item: itemOf(row) })
  if (map.items !== undefined) {
    const rows = map.items(node.params as never)
    return { total: rows.length, pieces: () => madeOf(rows, asItem), changes: () => undefined }
  }
  const input = record.inputs[map.over!]?.[0]
  if (input === undefined) return { total: 0, pieces: () => [], changes: () => undefined }
  const manifest = tableManifest(store.blobs, input.digest)
  const keyOf = chunkKeys(record, node.definition)
  const earlier = new EarlierRows({ store, node, keyOf, since, previous })
  const pieces = function* (): Generator<Piece> {
    for (const { chunk, rows } of manifest.chunks) {
      const key = keyOf(chunk.$blob)
      const kept = store.traces.chunk(key, since)
      if (kept !== undefined && isWhole(store, kept.result)) {
        if (!earlier.holds(chunk.$blob)) earlier.of(linesOf(store.blobs, chunk))
        yield { kind: "kept", items: rows, kept }
        continue
      }
      // The same chunk of the last input has the same key, so there is nothing kept of it either.
      const entries = (): ReadonlyArray<Entry> => {
        const lines = linesOf(store.blobs, chunk)
        const before = earlier.holds(chunk.$blob) ? () => undefined : earlier.of(lines)
        return lines.map((line, at) => {
          const found = before(at)
          return found === undefined ? asItem(JSON.parse(line) as Row) : { kind: "as-before", earlier: found }
        })
      }
      yield { kind: "open", items: rows, key, entries }
    }
  }
  return { total: manifest.rows, pieces, changes: () => earlier.changes(manifest.rows) }
}

const isWhole = (store: OpenStore, result: ChunkResult): boolean =>
  store.forgotten.allowsChunk(result) &&
  Object.values(result.ports).every(({ chunks }) => chunks.every(({ chunk }) => store.blobs.has(chunk.$blob)))

function* madeOf(rows: ReadonlyArray<Row>, asItem: (row: Row) => Entry): Generator<Piece> {
  for (let at = 0; at < rows.length; at += TOGETHER) {
    const part = rows.slice(at, at + TOGETHER)
    yield { kind: "open", items: part.length, entries: () => part.map(asItem) }
  }
}
