import type { Digest } from "../../schema/digest.ts"
import { canonical } from "../../schema/json.ts"
import type { Lineage } from "../../schema/lineage.ts"
import type { OpenStore } from "../store/store.ts"
import { tableManifest } from "../store/tables.ts"
import { addArtifact, addNode, nodeId } from "./artifacts.ts"
import { LineageBuilder } from "./builder.ts"
import { findFamily, isSample, type Family } from "./family.ts"
import type { History } from "./history.ts"
import { rowOf, tablesOf, type AnyRow, type Found } from "./scan.ts"

/**
 * Everything that happened to one sample, in both directions: its source, each table it is or was in, its faces and
 * copies, what was decided about it (dropped, duplicate of, predicted as), the models trained on it and all that
 * rests on them. Undefined when nothing matches.
 */
export const sampleLineage = async (
  store: OpenStore,
  history: History,
  ref: string,
): Promise<Lineage | undefined> => {
  const family = await findFamily(store, tablesOf(store, history.current), ref)
  if (family === undefined) return undefined
  const builder = new LineageBuilder()
  const story = new Story(builder, family)
  for (const found of family.rows) story.add(found)
  for (const found of family.rows) story.link(found)
  leftOut(store, history, builder, family)
  addUsers(history, builder, family)
  return builder.done(ref)
}

const sampleId = ({ trace, port, row }: Found): string => `sample:${trace.node}.${port}:${row.id}`

/** Fields of a row that are its place and not what is known of it. */
const PLACE = new Set(["id", "parent", "sample", "image"])

const changed = (a: unknown, b: unknown): boolean => canonical(a ?? null) !== canonical(b ?? null)

/** What a step did to a sample: the fields that are another than in the row it was made of. */
const changesOf = (
  before: AnyRow,
  after: AnyRow,
): Readonly<Record<string, { readonly before: unknown; readonly after: unknown }>> => {
  const fields = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort()
  return Object.fromEntries(
    fields
      .filter((field) => field !== "id" && field !== "parent" && changed(before[field], after[field]))
      .map((field) => [field, { before: before[field] ?? null, after: after[field] ?? null }]),
  )
}

/** What a row says, in a few words. */
const saying = (row: AnyRow): string => {
  if (row.sample !== undefined)
    return `predicted ${String(row["predicted"])} by ${String(row["model"])}, labelled ${String(row["label"])}`
  if (row.reason !== undefined) return `dropped: ${row.reason}`
  if (isSample(row)) return [row.label, row.split].filter((part) => part !== undefined).join(", ")
  const outcome = row["outcome"] ?? row["decision"] ?? row["action"]
  return typeof outcome === "string" ? outcome : ""
}

class Story {
  readonly #builder: LineageBuilder
  readonly #family: Family

  constructor(builder: LineageBuilder, family: Family) {
    this.#builder = builder
    this.#family = family
  }

  add(found: Found): void {
    const { trace, port, row } = found
    const what = saying(row)
    const sample = isSample(row)
    const id = this.#builder.node({
      id: sampleId(found),
      kind: sample ? "sample" : "decision",
      label: `${trace.node}.${port} ${row.id}${what === "" ? "" : ` (${what})`}`,
      ...(row.image === undefined ? {} : { digest: row.image.$blob }),
      attributes: {
        node: trace.node,
        port,
        id: row.id,
        ...(sample ? {} : { record: recordOf(found) }),
        ...(this.#family.meant(row) ? { meant: true } : {}),
        ...Object.fromEntries(Object.entries(row).filter(([field]) => !PLACE.has(field))),
      },
    })
    const url = row.source?.url ?? (row.reason === undefined ? undefined : row.url)
    if (url === undefined || Object.values(trace.inputs).some((refs) => this.#comesFrom(found, refs))) return
    const source = this.#builder.node({
      id: `source:${url}`,
      kind: "source",
      label: url,
      attributes: {
        url,
        ...row.source,
        ...(row["licence"] === undefined ? {} : { licence: row["licence"] }),
      },
    })
    this.#builder.edge(source, id, row.source?.kind === "file" ? "read" : "fetched")
  }

  /** Links a row to the rows of its node's inputs that it was made of, and says what became another. */
  link(found: Found): void {
    const { trace } = found
    for (const refs of Object.values(trace.inputs)) {
      for (const above of this.#above(found, refs)) {
        if (!isSample(above.row)) continue
        this.#builder.edge(sampleId(above), sampleId(found), trace.uses)
        if (isSample(found.row))
          this.#builder.add(sampleId(found), { changes: changesOf(above.row, found.row) })
      }
    }
  }

  #comesFrom(found: Found, refs: Refs): boolean {
    return this.#above(found, refs).length > 0
  }

  #above({ row }: Found, refs: Refs): ReadonlyArray<Found> {
    const made = madeOf(row)
    return this.#family.rows.filter(
      (above) =>
        (made.has(above.row.id) || (isSample(above.row) && mentions(row, above.row.id))) &&
        refs.some((ref) => ref.node === above.trace.node && holds(above, ref.digest)),
    )
  }
}

type Refs = ReadonlyArray<{ readonly node: string; readonly digest: Digest }>

const holds = ({ trace, port }: Found, digest: Digest): boolean => trace.outputs[port].digest === digest

/** What sort of thing is said: a reject, a prediction, else the type of the table. */
const recordOf = ({ trace, port, row }: Found): string =>
  row.reason !== undefined ? "reject" : row.sample !== undefined ? "prediction" : trace.outputs[port].type

const madeOf = (row: AnyRow): ReadonlySet<string> =>
  new Set(
    [
      row.id,
      row.parent,
      row.sample,
      row.reason === undefined ? undefined : row.id.replace(/!\d+$/u, ""),
    ].filter((id) => id !== undefined),
  )

/** Whether something said of several samples (a cluster) names one of them in a list. */
const mentions = (row: AnyRow, id: string): boolean =>
  !isSample(row) && Object.values(row).some((value) => Array.isArray(value) && value.includes(id))

/** Rows of an input that are followed to see whether a node hands its rows on at all. */
const PROBES = 16

/**
 * Nodes that took the sample, hand on others of the same table, and say nothing of this one: a balancing node that
 * had enough of its class, say.
 */
const leftOut = (store: OpenStore, history: History, builder: LineageBuilder, family: Family): void => {
  for (const user of history.current) {
    const outputs = Object.values(user.outputs).filter(
      (output) => output.rows !== undefined && store.blobs.has(output.digest),
    )
    if (outputs.length === 0 || family.rows.some(({ trace }) => trace.node === user.node)) continue
    for (const [input, refs] of Object.entries(user.inputs)) {
      for (const ref of refs) {
        const rows = family.rows.filter(
          (found) => isSample(found.row) && found.trace.node === ref.node && holds(found, ref.digest),
        )
        const hands = rows.length > 0 && outputs.some((output) => handsOn(store, ref.digest, output.digest))
        if (!hands) continue
        for (const found of rows) {
          const id = builder.node({
            id: `decision:${user.node}:${found.row.id}`,
            kind: "decision",
            label: `${user.node} ${found.row.id} (left out)`,
            attributes: { node: user.node, id: found.row.id, record: "left out", input, uses: user.uses },
          })
          builder.edge(sampleId(found), id, user.uses)
        }
      }
    }
  }
}

const handsOn = (store: OpenStore, input: Digest, output: Digest): boolean =>
  tableManifest(store.blobs, input)
    .chunks.slice(0, PROBES)
    .some(({ last }) => rowOf(store, output, last) !== undefined)

/** Nodes that took a table with the sample and gave something other than rows of it: models, figures, pages. */
const addUsers = (history: History, builder: LineageBuilder, family: Family): void => {
  const touched = new Map<Digest, string>()
  for (const user of history.current) {
    const own = family.rows.some(({ trace }) => trace.node === user.node)
    for (const [input, refs] of Object.entries(user.inputs)) {
      for (const ref of refs) {
        const rows = family.rows.filter(
          (found) => isSample(found.row) && found.trace.node === ref.node && holds(found, ref.digest),
        )
        const through = touched.get(ref.digest)
        if (rows.length === 0 && through === undefined) continue
        const given = Object.entries(user.outputs).filter(
          ([, output]) => output.rows === undefined || (through !== undefined && !own),
        )
        if (given.length === 0) continue
        const id = addNode(builder, user)
        for (const found of rows) builder.edge(sampleId(found), id, found.row.split ?? input)
        if (through !== undefined) builder.edge(through, id, input)
        for (const [port, output] of given) {
          const artifact = addArtifact(builder, user, port)
          builder.edge(nodeId(user), artifact, port)
          touched.set(output.digest, artifact)
        }
      }
    }
  }
}
