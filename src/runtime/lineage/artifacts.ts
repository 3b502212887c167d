import { short } from "../../schema/digest.ts"
import type { Lineage } from "../../schema/lineage.ts"
import type { NodeTrace } from "../../schema/trace.ts"
import { readTable } from "../store/tables.ts"
import type { OpenStore } from "../store/store.ts"
import { LineageBuilder } from "./builder.ts"
import type { History } from "./history.ts"

interface SourcedRow {
  readonly id: string
  readonly source?: { readonly url?: string; readonly query?: string; readonly engine?: string }
}

const nodeId = (trace: NodeTrace): string => `node:${trace.node}:${trace.key.slice(0, 16)}`

/** What a node or an artifact rests on (`up`), or what rests on it (`down`). */
export const artifactLineage = async (options: {
  readonly store: OpenStore
  readonly history: History
  readonly ref: string
  readonly start: NodeTrace
  /** One output of the node, in place of all. */
  readonly port?: string
  readonly direction: "up" | "down"
}): Promise<Lineage> => {
  const builder = new LineageBuilder()
  if (options.direction === "up") await goUp(options, builder)
  else goDown(options, builder)
  return builder.done(options.ref)
}

const addNode = (builder: LineageBuilder, trace: NodeTrace): string =>
  builder.node({
    id: nodeId(trace),
    kind: "node",
    label: `${trace.node} (${trace.uses})`,
    digest: trace.key,
    attributes: {
      node: trace.node,
      uses: trace.uses,
      params: trace.params,
      fingerprint: trace.fingerprint,
      run: trace.run,
      startedAt: new Date(trace.startedAt).toISOString(),
      ms: trace.ms,
    },
  })

const addArtifact = (builder: LineageBuilder, trace: NodeTrace, port: string): string => {
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

/**
 * Upwards: nodes and artifacts back to where nothing comes before. The first table of samples on each way names its
 * sources (URLs, rows of files) itself: exactly what the figure rests on, without what was dropped on the way.
 */
const goUp = async (
  { store, history, start, port }: Parameters<typeof artifactLineage>[0],
  builder: LineageBuilder,
): Promise<void> => {
  const listed = new Set<string>()
  const seen = new Set<string>()
  const visit = async (trace: NodeTrace, sourced: boolean): Promise<void> => {
    const id = addNode(builder, trace)
    const state = `${id} ${sourced}`
    if (seen.has(state)) return
    seen.add(state)
    addFiles(builder, trace)
    for (const [input, refs] of Object.entries(trace.inputs)) {
      for (const ref of refs) {
        const above = history.maker(ref.node, ref.digest)
        if (above === undefined) continue
        const artifact = addArtifact(builder, above, ref.port)
        builder.edge(artifact, id, input)
        builder.edge(nodeId(above), artifact, ref.port)
        const table = above.outputs[ref.port]?.rows !== undefined
        const lists = table && !sourced && (await addSources(store, builder, artifact, ref.digest, listed))
        await visit(above, sourced || lists)
      }
    }
  }
  const id = addNode(builder, start)
  let sourced = false
  for (const name of port === undefined ? Object.keys(start.outputs) : [port]) {
    const artifact = addArtifact(builder, start, name)
    builder.edge(id, artifact, name)
    if (port !== undefined && start.outputs[name]?.rows !== undefined) {
      sourced = await addSources(store, builder, artifact, start.outputs[name].digest, listed)
    }
  }
  await visit(start, sourced)
}

/** Adds the sources a table's rows name; whether there were any. */
const addSources = async (
  store: OpenStore,
  builder: LineageBuilder,
  artifact: string,
  digest: NodeTrace["key"],
  listed: Set<string>,
): Promise<boolean> => {
  if (listed.has(digest)) return true
  listed.add(digest)
  let any = false
  for await (const row of readTable<SourcedRow>(store.blobs, digest).stream()) {
    const url = row.source?.url
    if (url === undefined) continue
    any = true
    const id = builder.node({
      id: `source:${url}`,
      kind: "source",
      label: url,
      attributes: { ...row.source },
    })
    builder.edge(id, artifact, "contains")
  }
  return any
}

const goDown = (
  { history, start, port }: Parameters<typeof artifactLineage>[0],
  builder: LineageBuilder,
): void => {
  const visit = (trace: NodeTrace, ports: ReadonlyArray<string>): void => {
    const id = addNode(builder, trace)
    for (const name of ports) {
      const artifact = addArtifact(builder, trace, name)
      builder.edge(id, artifact, name)
      const { digest } = trace.outputs[name]
      for (const user of history.current) {
        for (const [input, refs] of Object.entries(user.inputs)) {
          if (!refs.some((ref) => ref.digest === digest)) continue
          const known = builder.has(nodeId(user))
          builder.edge(artifact, addNode(builder, user), input)
          if (!known) visit(user, Object.keys(user.outputs))
        }
      }
    }
  }
  visit(start, port === undefined ? Object.keys(start.outputs) : [port])
}
