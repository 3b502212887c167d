import { createHash } from "node:crypto"
import type { LineageEdge, LineageNode } from "../../schema/lineage.ts"
import { linesOf } from "../store/chunker.ts"
import type { OpenStore } from "../store/store.ts"
import { tableManifest } from "../store/tables.ts"
import type { Digest } from "../../schema/digest.ts"
import type { Traced } from "./lineage.ts"
import { textOf } from "./words.ts"

/** OpenLineage 2-0-2 (https://openlineage.io/spec/2-0-2/OpenLineage.json) and the versions of the facets used. */
const SPEC = "https://openlineage.io/spec"
const EVENT = `${SPEC}/2-0-2/OpenLineage.json#/$defs/RunEvent`
const FACETS = {
  SchemaDatasetFacet: "1-2-0",
  DatasourceDatasetFacet: "1-0-1",
  DatasetVersionDatasetFacet: "1-0-1",
  DatasetTypeDatasetFacet: "1-0-1",
  OutputStatisticsOutputDatasetFacet: "1-0-2",
  InputStatisticsInputDatasetFacet: "1-0-0",
  ParentRunFacet: "1-2-0",
  ProcessingEngineRunFacet: "1-1-1",
  ExecutionParametersRunFacet: "1-0-0",
  JobTypeJobFacet: "2-0-4",
} as const

/** Who says it; a URN, since the program has no home on the web. */
const producerOf = (version: string): string => `urn:facet:producer:${version}`

/** A UUID of version 5 (RFC 9562) within a name space of ours: the same lineage gives the same events. */
const uuidOf = (name: string): string => {
  const bytes = createHash("sha1").update(`urn:facet:openlineage\n${name}`).digest().subarray(0, 16)
  bytes[6] = (bytes[6] & 0x0f) | 0x50
  bytes[8] = (bytes[8] & 0x3f) | 0x80
  return bytes.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/u, "$1-$2-$3-$4-$5")
}

type Facet = Readonly<Record<string, unknown>>

/** Types of the values in the first chunk of a table, a field each: what there is of a schema in the data itself. */
const fieldsOf = (store: OpenStore, digest: Digest): ReadonlyArray<Facet> => {
  const types = new Map<string, Set<string>>()
  const [first] = tableManifest(store.blobs, digest).chunks
  if (first === undefined) return []
  for (const line of linesOf(store.blobs, first.chunk)) {
    for (const [name, value] of Object.entries(JSON.parse(line) as Facet)) {
      const kinds = types.get(name) ?? new Set<string>()
      types.set(name, kinds.add(typeName(value)))
    }
  }
  return [...types]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, kinds], i) => ({ name, type: [...kinds].sort().join("|"), ordinal_position: i + 1 }))
}

const typeName = (value: unknown): string =>
  Array.isArray(value)
    ? "array"
    : typeof value === "object" && value !== null && "$blob" in value
      ? "blob"
      : typeof value

class Events {
  readonly #store: OpenStore
  readonly #lineage: Traced
  readonly #producer: string
  readonly #version: string
  readonly #byId: ReadonlyMap<string, LineageNode>
  readonly #into = new Map<string, Array<LineageEdge>>()
  readonly #outOf = new Map<string, Array<LineageEdge>>()

  constructor(store: OpenStore, lineage: Traced, version: string) {
    this.#store = store
    this.#lineage = lineage
    this.#version = version
    this.#producer = producerOf(version)
    this.#byId = new Map(lineage.nodes.map((node) => [node.id, node]))
    const add = (map: Map<string, Array<LineageEdge>>, key: string, edge: LineageEdge): void => {
      const edges = map.get(key)
      if (edges === undefined) map.set(key, [edge])
      else edges.push(edge)
    }
    for (const edge of lineage.edges) {
      add(this.#into, edge.to, edge)
      add(this.#outOf, edge.from, edge)
    }
  }

  *all(): Generator<Facet> {
    const nodes = this.#lineage.nodes.filter(({ kind }) => kind === "node")
    const events = nodes.flatMap((node) => {
      const start = Date.parse(textOf(node.attributes["startedAt"]))
      const ms = typeof node.attributes["ms"] === "number" ? node.attributes["ms"] : 0
      return [
        { node, at: start, type: "START" },
        { node, at: start + ms, type: "COMPLETE" },
      ]
    })
    // By time, as a listener would have heard them; what began at once in the order of the pipeline.
    for (const { node, at, type } of events.sort((a, b) => a.at - b.at)) yield this.#event(node, at, type)
  }

  #facet(name: keyof typeof FACETS, fields: Facet): Facet {
    const url = `${SPEC}/facets/${FACETS[name]}/${name}.json#/$defs/${name}`
    return { _producer: this.#producer, _schemaURL: url, ...fields }
  }

  #event(node: LineageNode, at: number, eventType: string): Facet {
    const { node: name, uses, run, params, environment } = node.attributes
    const namespace = this.#lineage.pipeline
    const parameters = Object.entries(typeof params === "object" && params !== null ? params : {})
    return {
      eventType,
      eventTime: new Date(at).toISOString(),
      producer: this.#producer,
      schemaURL: EVENT,
      run: {
        runId: uuidOf(`${textOf(run)}\n${textOf(name)}\n${node.digest ?? ""}`),
        facets: {
          parent: this.#facet("ParentRunFacet", {
            run: { runId: uuidOf(textOf(run)) },
            job: { namespace, name: this.#lineage.pipeline },
          }),
          processing_engine: this.#facet("ProcessingEngineRunFacet", {
            name: "Facet",
            version: this.#version,
          }),
          executionParameters: this.#facet("ExecutionParametersRunFacet", {
            parameters: [
              ...parameters.map(([key, value]) => ({
                key,
                value: typeof value === "string" ? value : JSON.stringify(value),
              })),
              { key: "facet.key", value: node.digest ?? "" },
              { key: "facet.environment", value: JSON.stringify(environment) },
            ],
          }),
        },
      },
      job: {
        namespace,
        name: textOf(name),
        facets: {
          jobType: this.#facet("JobTypeJobFacet", {
            processingType: "BATCH",
            integration: "FACET",
            jobType: textOf(uses),
          }),
        },
      },
      inputs: (this.#into.get(node.id) ?? []).flatMap(({ from }) => this.#input(this.#byId.get(from))),
      outputs:
        eventType === "START"
          ? []
          : (this.#outOf.get(node.id) ?? []).flatMap(({ to }) => this.#output(this.#byId.get(to))),
    }
  }

  #input(thing: LineageNode | undefined): ReadonlyArray<Facet> {
    if (thing === undefined) return []
    const { rows, bytes, path } = thing.attributes
    if (thing.kind === "source")
      return [
        {
          namespace: "file",
          name: textOf(path),
          facets: { version: this.#contentVersion(thing), datasetType: this.#type("FILE") },
        },
      ]
    const counted = { ...(rows === undefined ? {} : { rowCount: rows }), size: bytes }
    return [
      {
        ...this.#dataset(thing),
        inputFacets: { inputStatistics: this.#facet("InputStatisticsInputDatasetFacet", counted) },
      },
    ]
  }

  #output(thing: LineageNode | undefined): ReadonlyArray<Facet> {
    if (thing === undefined) return []
    const { rows, bytes } = thing.attributes
    const counted = { ...(rows === undefined ? {} : { rowCount: rows }), size: bytes }
    return [
      {
        ...this.#dataset(thing),
        outputFacets: { outputStatistics: this.#facet("OutputStatisticsOutputDatasetFacet", counted) },
      },
    ]
  }

  #contentVersion(thing: LineageNode): Facet {
    return this.#facet("DatasetVersionDatasetFacet", { datasetVersion: thing.digest ?? "" })
  }

  #type(datasetType: string, subType?: string): Facet {
    return this.#facet("DatasetTypeDatasetFacet", {
      datasetType,
      ...(subType === undefined ? {} : { subType }),
    })
  }

  #dataset(thing: LineageNode): Facet {
    const { node, port, rows, type } = thing.attributes
    const digest = (thing.digest ?? "") as Digest
    const here = rows !== undefined && this.#store.blobs.has(digest)
    return {
      namespace: this.#lineage.pipeline,
      name: `${textOf(node)}.${textOf(port)}`,
      facets: {
        version: this.#contentVersion(thing),
        datasetType: this.#type(rows === undefined ? "FILE" : "TABLE", textOf(type)),
        dataSource: this.#facet("DatasourceDatasetFacet", {
          name: "facet",
          uri: `urn:facet:artifact:${digest}`,
        }),
        ...(here
          ? { schema: this.#facet("SchemaDatasetFacet", { fields: fieldsOf(this.#store, digest) }) }
          : {}),
      },
    }
  }
}

/**
 * The nodes of a lineage as OpenLineage run events, START and COMPLETE of each, as one JSON array with an event a
 * line. A node's run is that in which it was computed; nodes that a later run only reused are not said to have run
 * in it. Samples are not named: OpenLineage knows data sets.
 */
export function* openLineageDocument(store: OpenStore, lineage: Traced, version: string): Generator<string> {
  yield "["
  let any = false
  for (const event of new Events(store, lineage, version).all()) {
    yield `${any ? ",\n" : "\n"}  ${JSON.stringify(event)}`
    any = true
  }
  yield any ? "\n]\n" : "]\n"
}
