import { Buffer } from "node:buffer"
import { setImmediate } from "node:timers/promises"
import type { Digest } from "../../schema/digest.ts"
import type { NodeTrace } from "../../schema/trace.ts"
import { idOfLine, linesOf } from "../store/chunker.ts"
import type { OpenStore } from "../store/store.ts"
import { tableManifest } from "../store/tables.ts"

/** A row of any table; what lineage knows of it. */
export interface AnyRow {
  readonly id: string
  readonly parent?: string
  /** Of a prediction: the sample judged. */
  readonly sample?: string
  readonly image?: { readonly $blob: Digest }
  readonly source?: { readonly kind?: string; readonly url?: string; readonly page?: string }
  /** Of a reject. */
  readonly reason?: string
  readonly url?: string
  readonly label?: string
  readonly split?: string
  readonly [field: string]: unknown
}

/** A table of the history. */
export interface TablePlace {
  readonly trace: NodeTrace
  readonly port: string
  readonly digest: Digest
}

/** A row that was found, and where. */
export interface Found {
  readonly trace: NodeTrace
  readonly port: string
  readonly row: AnyRow
}

/** All tables of a history whose content is still there, upstream first. */
export const tablesOf = (store: OpenStore, traces: ReadonlyArray<NodeTrace>): ReadonlyArray<TablePlace> =>
  traces.flatMap((trace) =>
    Object.entries(trace.outputs).flatMap(([port, output]) =>
      output.rows === undefined || !store.blobs.has(output.digest)
        ? []
        : [{ trace, port, digest: output.digest }],
    ),
  )

/** Chunks read between two breaths, so that an interruption is heard. */
const BREATH = 64

/**
 * The rows that hold one of `needles` (as they stand in canonical JSON), chunk by chunk: a chunk without any is
 * searched as bytes and never parsed. `passed` remembers such chunks from one table to the next.
 */
export async function* rowsWith(
  store: OpenStore,
  digest: Digest,
  needles: ReadonlyArray<string>,
  passed: Set<Digest> = new Set(),
): AsyncGenerator<AnyRow> {
  const bytes = needles.map((needle) => Buffer.from(needle))
  let read = 0
  for (const { chunk } of tableManifest(store.blobs, digest).chunks) {
    if (passed.has(chunk.$blob)) continue
    if (++read % BREATH === 0) await setImmediate()
    const blob = store.blobs.get(chunk.$blob)
    const content = Buffer.from(blob.buffer, blob.byteOffset, blob.byteLength)
    if (!bytes.some((needle) => content.includes(needle))) {
      passed.add(chunk.$blob)
      continue
    }
    for (const line of content.toString("utf8").split("\n"))
      if (line !== "" && needles.some((needle) => line.includes(needle))) yield JSON.parse(line) as AnyRow
  }
}

/** The row of an id, found by the borders of the chunks: one chunk is read. */
export const rowOf = (store: OpenStore, digest: Digest, id: string): AnyRow | undefined => {
  const { chunks } = tableManifest(store.blobs, digest)
  let [low, high] = [0, chunks.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (chunks[middle].last < id) low = middle + 1
    else high = middle
  }
  if (low === chunks.length) return undefined
  const line = linesOf(store.blobs, chunks[low].chunk).find((text) => idOfLine(text) === id)
  return line === undefined ? undefined : (JSON.parse(line) as AnyRow)
}

/** A text as it stands within a string of canonical JSON. */
export const inJson = (text: string): string => JSON.stringify(text).slice(1, -1)
