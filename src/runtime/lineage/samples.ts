import { existsSync, readFileSync } from "node:fs"
import { digestOf, type Digest } from "../../schema/digest.ts"
import type { Lineage } from "../../schema/lineage.ts"
import type { NodeTrace } from "../../schema/trace.ts"
import { readTable } from "../store/tables.ts"
import type { OpenStore } from "../store/store.ts"
import { LineageBuilder } from "./builder.ts"
import type { History } from "./history.ts"

interface SampleRow {
  readonly id: string
  readonly parent?: string
  /** Of a prediction: the sample judged. */
  readonly sample?: string
  readonly image?: { readonly $blob: Digest }
  readonly source?: { readonly url?: string; readonly page?: string }
  readonly licence?: unknown
  readonly reason?: string
  readonly url?: string
  readonly label?: string
  readonly split?: string
  readonly [field: string]: unknown
}

/** What a reference to a sample may mean: an id, the digest (or its beginning) of its bytes, a URL, a file on disk. */
const matcher = (ref: string): ((row: SampleRow) => boolean) => {
  const onDisk = !ref.includes("://") && existsSync(ref) ? safeDigest(ref) : undefined
  const digest = onDisk ?? (/^[0-9a-f]{8,64}$/u.test(ref) ? ref : undefined)
  return (row) =>
    row.id === ref ||
    row.source?.url === ref ||
    row.source?.page === ref ||
    row.url === ref ||
    (digest !== undefined && row.image?.$blob.startsWith(digest) === true)
}

const safeDigest = (path: string): string | undefined => {
  try {
    return digestOf(readFileSync(path))
  } catch {
    // A folder, say: then it is no sample by its bytes.
    return undefined
  }
}

interface Found {
  readonly trace: NodeTrace
  readonly port: string
  readonly row: SampleRow
}

/**
 * Everything that happened to one sample, in both directions: its source, each table it is or was in, its faces and
 * copies, why it was dropped, the models trained on it, the predictions it got. Undefined when nothing matches.
 */
export const sampleLineage = async (
  store: OpenStore,
  history: History,
  ref: string,
): Promise<Lineage | undefined> => {
  const matches = matcher(ref)
  const rows: Array<Found> = []
  for (const trace of history.current) {
    for (const [port, output] of Object.entries(trace.outputs)) {
      if (output.rows === undefined || !store.blobs.has(output.digest)) continue
      for await (const row of readTable<SampleRow>(store.blobs, output.digest).stream())
        rows.push({ trace, port, row })
    }
  }
  const ids = family(rows, matches)
  if (ids.size === 0) return undefined
  const builder = new LineageBuilder()
  const mine = rows.filter(({ row }) => ids.has(row.id) || (row.sample !== undefined && ids.has(row.sample)))
  for (const found of mine) addSample(builder, found)
  for (const found of mine) linkUp(builder, found, mine)
  addUsers(builder, history, mine)
  return builder.done(ref)
}

/** The ids of the matching rows, of what they were made of and of what was made of them. */
const family = (rows: ReadonlyArray<Found>, matches: (row: SampleRow) => boolean): Set<string> => {
  const ids = new Set<string>()
  for (const { row } of rows) {
    if (!matches(row)) continue
    ids.add(row.sample ?? row.id)
    if (row.parent !== undefined) ids.add(row.parent)
  }
  for (let before = -1; before !== ids.size;) {
    before = ids.size
    for (const { row } of rows) if (row.parent !== undefined && ids.has(row.parent)) ids.add(row.id)
  }
  return ids
}

const sampleId = ({ trace, port, row }: Found): string => `sample:${trace.node}.${port}:${row.id}`

const SHOWN = [
  "label",
  "split",
  "set",
  "face",
  "cluster",
  "reason",
  "detail",
  "predicted",
  "model",
  "weight",
  "copy",
  "licence",
]

const addSample = (builder: LineageBuilder, found: Found): void => {
  const { trace, port, row } = found
  const attributes = Object.fromEntries(
    SHOWN.flatMap((name) => (row[name] === undefined ? [] : [[name, row[name]]])),
  )
  const what =
    row.sample !== undefined
      ? `predicted ${String(row["predicted"])} by ${String(row["model"])}, labelled ${String(row["label"])}`
      : row.reason !== undefined
        ? `dropped: ${row.reason}`
        : [row.label, row.split].filter((part) => part !== undefined).join(", ")
  const id = builder.node({
    id: sampleId(found),
    kind: "sample",
    label: `${trace.node}.${port} ${row.id}${what === "" ? "" : ` (${what})`}`,
    ...(row.image === undefined ? {} : { digest: row.image.$blob }),
    attributes: { node: trace.node, port, id: row.id, ...attributes },
  })
  if (row.source?.url !== undefined && Object.keys(trace.inputs).length === 0) {
    const source = builder.node({
      id: `source:${row.source.url}`,
      kind: "source",
      label: row.source.url,
      attributes: { ...row.source, ...(row.licence === undefined ? {} : { licence: row.licence }) },
    })
    builder.edge(source, id, "fetched")
  }
}

/** Links a row to the rows of its node's inputs that it was made of. */
const linkUp = (builder: LineageBuilder, found: Found, mine: ReadonlyArray<Found>): void => {
  const made = new Set([found.row.id, found.row.parent, found.row.sample].filter((id) => id !== undefined))
  for (const refs of Object.values(found.trace.inputs)) {
    for (const ref of refs) {
      for (const above of mine) {
        if (above.trace.outputs[above.port]?.digest !== ref.digest || above.trace.node !== ref.node) continue
        if (made.has(above.row.id)) builder.edge(sampleId(above), sampleId(found), found.trace.uses)
      }
    }
  }
}

/** Nodes that took a table with the sample and gave something other than rows of it: models, figures, pages. */
const addUsers = (builder: LineageBuilder, history: History, mine: ReadonlyArray<Found>): void => {
  const tainted = new Map<string, string>()
  for (const user of history.current) {
    for (const [input, refs] of Object.entries(user.inputs)) {
      for (const ref of refs) {
        const rows = mine.filter(
          ({ trace, port }) => trace.node === ref.node && trace.outputs[port]?.digest === ref.digest,
        )
        const through = tainted.get(ref.digest)
        if (rows.length === 0 && through === undefined) continue
        const plain = Object.entries(user.outputs).filter(([, output]) => output.rows === undefined)
        if (plain.length === 0) continue
        const id = builder.node({
          id: `node:${user.node}:${user.key.slice(0, 16)}`,
          kind: "node",
          label: `${user.node} (${user.uses})`,
          digest: user.key,
          attributes: { node: user.node, uses: user.uses, params: user.params },
        })
        for (const row of rows) builder.edge(sampleId(row), id, row.row.split ?? input)
        if (through !== undefined) builder.edge(through, id, input)
        for (const [port, output] of plain) {
          const artifact = builder.node({
            id: `artifact:${user.node}.${port}:${output.digest.slice(0, 16)}`,
            kind: "artifact",
            label: `${user.node}.${port} (${output.type})`,
            digest: output.digest,
            attributes: { ...output, node: user.node, port },
          })
          builder.edge(id, artifact, port)
          tainted.set(output.digest, artifact)
        }
      }
    }
  }
}
