import { short, type Digest } from "../../schema/digest.ts"
import type { Lineage, LineageNode } from "../../schema/lineage.ts"
import type { InputRecord, NodeTrace } from "../../schema/trace.ts"
import { linesOf } from "../store/chunker.ts"
import type { OpenStore } from "../store/store.ts"
import { tableManifest } from "../store/tables.ts"
import { LineageBuilder } from "./builder.ts"
import type { History } from "./history.ts"
import type { AnyRow } from "./scan.ts"

/** A table whose rows are the samples a thing rests on. */
export interface SampleTable {
  /** Id of its artifact in the lineage. */
  readonly artifact: string
  readonly node: string
  readonly port: string
  readonly digest: Digest
  readonly rows: number
}

/** Nodes and artifacts, and the tables whose samples belong to it: those stream, see `members.ts`. */
export interface ArtifactLineage extends Lineage {
  readonly tables: ReadonlyArray<SampleTable>
}

/** Where a lineage starts: a node with all its outputs, or with one. */
export interface Start {
  readonly trace: NodeTrace
  readonly port?: string
}

interface Question {
  readonly store: OpenStore
  readonly history: History
  readonly ref: string
  readonly starts: ReadonlyArray<Start>
}

export const nodeId = (trace: NodeTrace): string => `node:${trace.node}:${trace.key.slice(0, 16)}`

/** A node, with all that is known of the work it did. */
export const addNode = (
  builder: LineageBuilder,
  trace: NodeTrace,
  more: LineageNode["attributes"] = {},
): string =>
  builder.node({
    id: nodeId(trace),
    kind: "node",
    label: `${trace.node} (${trace.uses})`,
    digest: trace.key,
    attributes: {
      node: trace.node,
      uses: trace.uses,
      params: trace.params,
      seed: trace.seed,
      fingerprint: trace.fingerprint,
      run: trace.run,
      startedAt: new Date(trace.startedAt).toISOString(),
      ms: trace.ms,
      environment: trace.environment,
      ...(trace.items === undefined ? {} : { items: trace.items }),
      ...more,
    },
  })

export const addArtifact = (builder: LineageBuilder, trace: NodeTrace, port: string): string => {
  const output = trace.outputs[port]
  const rows = output.rows === undefined ? "" : `, ${output.rows} rows`
  return builder.node({
    id: `artifact:${trace.node}.${port}:${output.digest.slice(0, 16)}`,
    kind: "artifact",
    label: `${trace.node}.${port} (${output.type}${rows}, ${short(output.digest)})`,
    digest: output.digest,
    attributes: { ...output, node: trace.node, port },
  })
}

const addFiles = (builder: LineageBuilder, trace: NodeTrace): void => {
  for (const { path, digest } of Object.values(trace.files)) {
    const id = builder.node({
      id: `file:${digest}`,
      kind: "source",
      label: path,
      digest,
      attributes: { path },
    })
    builder.edge(id, nodeId(trace), "read")
  }
}

const portsOf = ({ trace, port }: Start): ReadonlyArray<string> =>
  port === undefined ? Object.keys(trace.outputs) : [port]

/** Whether the rows of a table are samples that say where they come from. */
const isOfSamples = (store: OpenStore, digest: Digest): boolean => {
  if (!store.blobs.has(digest)) return false
  const [first] = tableManifest(store.blobs, digest).chunks
  if (first === undefined) return false
  const row = JSON.parse(linesOf(store.blobs, first.chunk)[0]) as AnyRow
  return row.image !== undefined && typeof row.source?.url === "string"
}

/**
 * What things rest on: nodes and artifacts back to where nothing comes before. The first table of samples on each way
 * is one whose rows belong to the answer: exactly what the thing rests on, without what was dropped on the way there.
 */
export const upwards = ({ store, history, ref, starts }: Question): ArtifactLineage => {
  const builder = new LineageBuilder()
  const tables = new Map<string, SampleTable>()
  const list = (artifact: string, node: string, port: string, trace: NodeTrace): boolean => {
    const { digest, rows } = trace.outputs[port]
    if (rows === undefined || !isOfSamples(store, digest)) return false
    tables.set(artifact, { artifact, node, port, digest, rows })
    return true
  }
  const seen = new Set<string>()
  const open: Array<{ readonly trace: NodeTrace; readonly listed: boolean }> = []
  for (const start of starts) {
    const id = addNode(builder, start.trace, reported(history, start.trace))
    let listed = false
    for (const port of portsOf(start)) {
      const artifact = addArtifact(builder, start.trace, port)
      builder.edge(id, artifact, port)
      listed = list(artifact, start.trace.node, port, start.trace) || listed
    }
    open.push({ trace: start.trace, listed })
  }
  open.reverse()
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { trace, listed } = next
    const id = addNode(builder, trace, reported(history, trace))
    const state = `${id} ${listed}`
    if (seen.has(state)) continue
    seen.add(state)
    addFiles(builder, trace)
    const above: Array<(typeof open)[number]> = []
    for (const [input, from] of inputsOf(trace)) {
      const made = history.maker(from.node, from.digest)
      if (made === undefined) continue
      // The port that was asked for, where one node gave the same content at two.
      const port = made.trace.outputs[from.port]?.digest === from.digest ? from.port : made.port
      const artifact = addArtifact(builder, made.trace, port)
      builder.edge(artifact, id, input)
      builder.edge(addNode(builder, made.trace, reported(history, made.trace)), artifact, port)
      above.push({
        trace: made.trace,
        listed: listed || list(artifact, made.trace.node, port, made.trace),
      })
    }
    open.push(...above.reverse())
  }
  return { ...builder.done(ref), tables: [...tables.values()] }
}

const inputsOf = (trace: NodeTrace): ReadonlyArray<readonly [input: string, from: InputRecord]> =>
  Object.entries(trace.inputs).flatMap(([input, refs]) => refs.map((from) => [input, from] as const))

/** What a run says of a node, where the question is about a run. */
const reported = (history: History, trace: NodeTrace): LineageNode["attributes"] => {
  const report = history.report(trace.node)
  return report === undefined ? {} : { status: report.status, reason: report.reason }
}

/** What rests on things. */
export const downwards = ({ history, ref, starts }: Question): ArtifactLineage => {
  const builder = new LineageBuilder()
  const users = new Map<Digest, Array<readonly [trace: NodeTrace, input: string]>>()
  for (const trace of history.current) {
    for (const [input, { digest }] of inputsOf(trace))
      users.set(digest, [...(users.get(digest) ?? []), [trace, input]])
  }
  const open = [...starts].reverse()
  const seen = new Set<string>()
  for (let start = open.pop(); start !== undefined; start = open.pop()) {
    const id = addNode(builder, start.trace, reported(history, start.trace))
    for (const port of portsOf(start)) {
      const artifact = addArtifact(builder, start.trace, port)
      builder.edge(id, artifact, port)
      for (const [user, input] of users.get(start.trace.outputs[port].digest) ?? []) {
        builder.edge(artifact, addNode(builder, user, reported(history, user)), input)
        if (seen.has(nodeId(user))) continue
        seen.add(nodeId(user))
        open.push({ trace: user })
      }
    }
  }
  return { ...builder.done(ref), tables: [] }
}
