import { hash } from "node:crypto"
import { setImmediate } from "node:timers/promises"
import type { Lineage, LineageEdge, LineageNode } from "../../schema/lineage.ts"
import { linesOf } from "../store/chunker.ts"
import type { OpenStore } from "../store/store.ts"
import { tableManifest } from "../store/tables.ts"
import type { ArtifactLineage, SampleTable } from "./artifacts.ts"
import type { AnyRow } from "./scan.ts"

async function* rowsOf(store: OpenStore, { digest }: SampleTable): AsyncGenerator<AnyRow> {
  for (const { chunk } of tableManifest(store.blobs, digest).chunks) {
    await setImmediate()
    for (const line of linesOf(store.blobs, chunk)) yield JSON.parse(line) as AnyRow
  }
}

const sampleId = ({ node, port }: SampleTable, row: AnyRow): string => `sample:${node}.${port}:${row.id}`
const sourceId = (row: AnyRow): string | undefined =>
  row.source?.url === undefined ? undefined : `source:${row.source.url}`

/** What of a row tells what was learnt from it, and by whose leave. */
const TOLD = ["parent", "label", "claims", "split", "set", "weight", "copy", "cluster", "subject", "licence"]

const sampleNode = (table: SampleTable, row: AnyRow): LineageNode => {
  const words = [row.label, row.split].filter((part) => part !== undefined).join(", ")
  return {
    id: sampleId(table, row),
    kind: "sample",
    label: `${table.node}.${table.port} ${row.id}${words === "" ? "" : ` (${words})`}`,
    ...(row.image === undefined ? {} : { digest: row.image.$blob }),
    attributes: {
      node: table.node,
      port: table.port,
      id: row.id,
      ...Object.fromEntries(TOLD.flatMap((field) => (row[field] === undefined ? [] : [[field, row[field]]]))),
      ...(row.source === undefined ? {} : { source: row.source }),
    },
  }
}

/** Tells texts apart by 72 bits of their hash, so that the URLs of a million samples need not be kept. */
const distinct = (): ((text: string) => boolean) => {
  const seen = new Set<string>()
  return (text) => {
    // Of 12 characters V8 makes a string of its own; a longer part would keep the whole alive.
    const mark = hash("sha256", text, "base64").slice(0, 12)
    if (seen.has(mark)) return false
    seen.add(mark)
    return true
  }
}

/** All nodes of a lineage, samples and their sources too, one after the other. */
export async function* nodesOf(store: OpenStore, lineage: ArtifactLineage): AsyncGenerator<LineageNode> {
  yield* lineage.nodes
  const fresh = distinct()
  for (const table of lineage.tables) {
    for await (const row of rowsOf(store, table)) {
      yield sampleNode(table, row)
      const source = sourceId(row)
      if (source === undefined || !fresh(source)) continue
      yield { id: source, kind: "source", label: row.source!.url!, attributes: { ...row.source } }
    }
  }
}

/** All edges of a lineage, those of the samples too. */
export async function* edgesOf(store: OpenStore, lineage: ArtifactLineage): AsyncGenerator<LineageEdge> {
  yield* lineage.edges
  for (const table of lineage.tables) {
    for await (const row of rowsOf(store, table)) {
      const id = sampleId(table, row)
      const source = sourceId(row)
      if (source !== undefined) yield { from: source, to: id, role: "fetched" }
      yield { from: id, to: table.artifact, role: "contains" }
    }
  }
}

const all = async <A>(items: AsyncIterable<A>): Promise<ReadonlyArray<A>> => {
  const found: Array<A> = []
  for await (const item of items) found.push(item)
  return found
}

/** A lineage whole, in memory. */
export const collected = async (store: OpenStore, lineage: ArtifactLineage): Promise<Lineage> => ({
  ref: lineage.ref,
  nodes: await all(nodesOf(store, lineage)),
  edges: await all(edgesOf(store, lineage)),
})

/** What a person reads of a table of samples. */
export interface MemberSummary extends SampleTable {
  /** How many by split and by label; samples without one are not counted. */
  readonly splits: Readonly<Record<string, number>>
  readonly labels: Readonly<Record<string, number>>
  readonly first: ReadonlyArray<AnyRow>
}

/** Counts the samples of a lineage's tables and keeps the first `limit` of each. */
export const summaries = (
  store: OpenStore,
  lineage: ArtifactLineage,
  limit: number,
): Promise<ReadonlyArray<MemberSummary>> =>
  Promise.all(
    lineage.tables.map(async (table) => {
      const [splits, labels] = [new Map<string, number>(), new Map<string, number>()]
      const first: Array<AnyRow> = []
      for await (const row of rowsOf(store, table)) {
        if (first.length < limit) first.push(row)
        count(splits, row.split)
        count(labels, row.label)
      }
      return { ...table, splits: Object.fromEntries(splits), labels: Object.fromEntries(labels), first }
    }),
  )

const count = (counts: Map<string, number>, name: string | undefined): void => {
  if (name !== undefined) counts.set(name, (counts.get(name) ?? 0) + 1)
}
