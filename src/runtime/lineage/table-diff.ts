import { setImmediate } from "node:timers/promises"
import type { Digest } from "../../schema/digest.ts"
import { canonical } from "../../schema/json.ts"
import { idOfLine, linesOf } from "../store/chunker.ts"
import type { OpenStore } from "../store/store.ts"
import { tableManifest, type TableChunk } from "../store/tables.ts"
import type { AnyRow } from "./scan.ts"

export type ChangeKind = "added" | "removed" | "relabelled" | "moved" | "changed"

/** What became of one row between two tables. */
export interface RowChange {
  readonly id: string
  /** `relabelled` and `moved` (to another split) may both hold; `changed`: some other field, and neither of them. */
  readonly kinds: ReadonlyArray<ChangeKind>
  readonly before?: AnyRow
  readonly after?: AnyRow
  /** Fields that are another; of a row that is only on one side none. */
  readonly fields: ReadonlyArray<string>
}

/** How many chunks two tables have, and how many of them had to be read to compare them. */
export interface ChunkCounts {
  readonly chunks: number
  readonly read: number
}

interface Line {
  readonly id: string
  readonly text: string
}

/**
 * The rows in which two tables differ, in the order of their ids. Chunks that both have are not read: no row of
 * theirs can be on the other side in another chunk, since ids are in order and each is once in a table. In memory
 * is one chunk of each.
 */
export const diffTables = (
  store: OpenStore,
  before: Digest,
  after: Digest,
): { readonly counts: ChunkCounts; readonly changes: AsyncGenerator<RowChange> } => {
  const [a, b] = [before, after].map((digest) => tableManifest(store.blobs, digest).chunks)
  const [inA, inB] = [a, b].map((chunks) => new Set(chunks.map(({ chunk }) => chunk.$blob)))
  const left = a.filter(({ chunk }) => !inB.has(chunk.$blob))
  const right = b.filter(({ chunk }) => !inA.has(chunk.$blob))
  return {
    counts: { chunks: a.length + b.length, read: left.length + right.length },
    changes: merge(linesIn(store, left), linesIn(store, right)),
  }
}

async function* linesIn(store: OpenStore, chunks: ReadonlyArray<TableChunk>): AsyncGenerator<Line> {
  for (const { chunk } of chunks) {
    await setImmediate()
    for (const text of linesOf(store.blobs, chunk)) yield { id: idOfLine(text), text }
  }
}

async function* merge(left: AsyncGenerator<Line>, right: AsyncGenerator<Line>): AsyncGenerator<RowChange> {
  let [a, b] = [await left.next(), await right.next()]
  while (a.done !== true || b.done !== true) {
    const only = a.done === true ? "after" : b.done === true ? "before" : sideOf(a.value.id, b.value.id)
    if (only === "before" && a.done !== true) {
      yield { id: a.value.id, kinds: ["removed"], before: rowIn(a.value), fields: [] }
      a = await left.next()
    } else if (only === "after" && b.done !== true) {
      yield { id: b.value.id, kinds: ["added"], after: rowIn(b.value), fields: [] }
      b = await right.next()
    } else if (a.done !== true && b.done !== true) {
      if (a.value.text !== b.value.text) yield changeOf(rowIn(a.value), rowIn(b.value))
      ;[a, b] = [await left.next(), await right.next()]
    }
  }
}

const sideOf = (a: string, b: string): "before" | "after" | "both" =>
  a < b ? "before" : a > b ? "after" : "both"

const rowIn = ({ text }: Line): AnyRow => JSON.parse(text) as AnyRow

const changeOf = (before: AnyRow, after: AnyRow): RowChange => {
  const fields = [...new Set([...Object.keys(before), ...Object.keys(after)])]
    .filter((field) => canonical(before[field] ?? null) !== canonical(after[field] ?? null))
    .sort()
  const kinds: Array<ChangeKind> = []
  if (fields.includes("label")) kinds.push("relabelled")
  if (fields.includes("split")) kinds.push("moved")
  return { id: after.id, kinds: kinds.length === 0 ? ["changed"] : kinds, before, after, fields }
}
