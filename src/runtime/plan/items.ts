import type { Digest } from "../../schema/digest.ts"
import type { KeyRecord } from "../../schema/trace.ts"
import type { GraphNode } from "../graph.ts"
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

/** Makes the item of a row. */
export const itemMaker = (node: GraphNode, record: KeyRecord): ((row: Row) => Item) => {
  const keyOf = itemKeys(record, node.definition)
  const reads = node.definition.map?.reads
  return (row) => {
    const seen = pick(row, reads)
    return { row, seen, key: keyOf(seen) }
  }
}
