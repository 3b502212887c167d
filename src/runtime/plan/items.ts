import type { Digest } from "../../schema/digest.ts"
import type { KeyRecord } from "../../schema/trace.ts"
import type { GraphNode } from "../graph.ts"
import { readTable } from "../store/tables.ts"
import type { OpenStore } from "../store/store.ts"
import { itemKeys } from "./key.ts"

export interface Row {
  readonly id: string
  readonly [field: string]: unknown
}

/** An item of a mapping node: the whole row, the part the implementation sees, and its key. */
export interface Item {
  readonly row: Row
  readonly seen: Readonly<Record<string, unknown>>
  readonly key: Digest
}

const pick = (row: Row, fields: ReadonlyArray<string> | undefined): Readonly<Record<string, unknown>> => {
  if (fields === undefined) return row
  const seen: Record<string, unknown> = {}
  for (const field of fields) if (row[field] !== undefined) seen[field] = row[field]
  return seen
}

/** The items of a mapping node in the order of their ids, with their keys. */
export async function* itemsOf(store: OpenStore, node: GraphNode, record: KeyRecord): AsyncGenerator<Item> {
  const map = node.definition.map!
  const keyOf = itemKeys(record, node.definition)
  const one = (row: Row): Item => {
    const seen = pick(row, map.reads)
    return { row, seen, key: keyOf(seen) }
  }
  if (map.items !== undefined) {
    for (const row of map.items(node.params as never)) yield one(row)
    return
  }
  const input = record.inputs[map.over!]?.[0]
  if (input === undefined) return
  for await (const row of readTable<Row>(store.blobs, input.digest).stream()) yield one(row)
}
