import type { BlobRef } from "../../schema/blob.ts"
import type { Digest } from "../../schema/digest.ts"
import type { LineageEdge, LineageNode } from "../../schema/lineage.ts"
import { readJson } from "../store/artifacts.ts"
import type { OpenStore } from "../store/store.ts"
import type { Traced } from "./lineage.ts"
import { textOf } from "./words.ts"

/** A file or folder of a crate, and where its content is. */
export type CrateFile =
  | { readonly path: string; readonly kind: "table" | "blob" | "files"; readonly digest: Digest }
  | { readonly path: string; readonly kind: "text"; readonly text: string }

export interface Crate {
  /** What `ro-crate-metadata.json` holds. */
  readonly metadata: { readonly "@context": unknown; readonly "@graph": ReadonlyArray<Entity> }
  readonly files: ReadonlyArray<CrateFile>
}

type Entity = { readonly "@id": string; readonly "@type": unknown; readonly [property: string]: unknown }
type Ref = { readonly "@id": string }
const ref = (id: string): Ref => ({ "@id": id })

/** Profiles a crate conforms to: https://w3id.org/ro/wfrun/provenance/0.5 and those it builds on. */
const PROFILES = [
  ["https://w3id.org/ro/wfrun/process/0.5", "Process Run Crate", "0.5"],
  ["https://w3id.org/ro/wfrun/workflow/0.5", "Workflow Run Crate", "0.5"],
  ["https://w3id.org/ro/wfrun/provenance/0.5", "Provenance Run Crate", "0.5"],
  ["https://w3id.org/workflowhub/workflow-ro-crate/1.0", "Workflow RO-Crate", "1.0"],
] as const
const RO_CRATE = "https://w3id.org/ro/crate/1.1"
const BIOSCHEMAS = "https://bioschemas.org/profiles/ComputationalWorkflow/1.0-RELEASE"

const COMPLETED = "http://schema.org/CompletedActionStatus"
const FAILED = "http://schema.org/FailedActionStatus"

const WORKFLOW = "workflow.json"
const LANGUAGE = "#language"
const LICENCES = "#licences"
const RUN = "#run"

/**
 * A lineage as a Provenance Run Crate 0.5 in RO-Crate 1.1: the pipeline as it was resolved, what each node did, took
 * and gave, with the artifacts as files. Files of the project that nodes read are named by digest, not copied, and so
 * are the pictures that tables name.
 */
export const roCrate = (store: OpenStore, lineage: Traced, version: string): Crate =>
  new CrateBuilder(store, lineage, version).crate()

class CrateBuilder {
  readonly #store: OpenStore
  readonly #lineage: Traced
  readonly #engine: string
  readonly #version: string
  readonly #entities = new Map<string, Entity>()
  readonly #files: Array<CrateFile> = []
  readonly #paths = new Set<string>()
  readonly #byId: ReadonlyMap<string, LineageNode>
  readonly #into: ReadonlyMap<string, ReadonlyArray<LineageEdge>>
  readonly #outOf: ReadonlyMap<string, ReadonlyArray<LineageEdge>>

  constructor(store: OpenStore, lineage: Traced, version: string) {
    this.#store = store
    this.#lineage = lineage
    this.#version = version
    this.#engine = `urn:facet:engine:${version}`
    this.#byId = new Map(lineage.nodes.map((node) => [node.id, node]))
    this.#into = Map.groupBy(lineage.edges, ({ to }) => to)
    this.#outOf = Map.groupBy(lineage.edges, ({ from }) => from)
  }

  crate(): Crate {
    const nodes = this.#lineage.nodes.filter(({ kind }) => kind === "node").reverse()
    const things = new Map(
      this.#lineage.nodes
        .filter(({ kind }) => kind === "artifact" || kind === "source")
        .map((thing) => [thing.id, this.#thing(thing)]),
    )
    const steps = nodes.map((node, i) => this.#step(node, i + 1, things))
    for (const [i, failed] of this.#failed().entries())
      steps.push(this.#failedStep(failed, steps.length + i + 1))
    const { start, end } = this.#span(nodes)
    const used = [...things].filter(
      ([id]) => !(this.#into.get(id) ?? []).some((edge) => this.#isNode(edge.from)),
    )
    const given = [...things].filter(
      ([id]) => !(this.#outOf.get(id) ?? []).some((edge) => this.#isNode(edge.to)),
    )
    const inputs = used.map(([, thing]) => this.#parameter("input", thing))
    const outputs = given.map(([, thing]) => this.#parameter("output", thing))
    this.#workflow(nodes, steps, inputs, outputs)
    this.#runAction({ start, end, steps, used: used.map(([, id]) => id), given: given.map(([, id]) => id) })
    const data = [...things.values()].filter((id) => this.#entities.has(id))
    return {
      metadata: {
        "@context": `${RO_CRATE}/context`,
        "@graph": [
          ...this.#descriptors([WORKFLOW, ...data, ...this.#blobIds()], steps, end),
          ...this.#entities.values(),
        ],
      },
      files: this.#files,
    }
  }

  #isNode(id: string): boolean {
    return this.#byId.get(id)?.kind === "node"
  }

  #add(entity: Entity): string {
    const known = this.#entities.get(entity["@id"])
    this.#entities.set(entity["@id"], { ...known, ...entity })
    return entity["@id"]
  }

  #failed() {
    return this.#lineage.run?.nodes.filter(({ status }) => status === "failed") ?? []
  }

  #span(nodes: ReadonlyArray<LineageNode>): { readonly start: string; readonly end: string } {
    const { run } = this.#lineage
    const times = nodes.flatMap((node) => [startOf(node), endOf(node)])
    const [start, end] =
      run === undefined ? [Math.min(...times), Math.max(...times)] : [run.startedAt, run.startedAt + run.ms]
    return { start: iso(start), end: iso(end) }
  }

  /** A name that every file system takes, and that is taken once. */
  #path(folder: string, name: string, end: string): string {
    const safe = name.replaceAll(/[^\w.-]+/gu, "_").replace(/^\.+/u, "_")
    let path = `${folder}/${safe}${end}`
    for (let n = 2; this.#paths.has(path); n++) path = `${folder}/${safe}-${n}${end}`
    this.#paths.add(path)
    return path
  }

  /** An artifact or a file that was read; gives the id of its entity. */
  #thing({ id, kind, digest = "", label, attributes }: LineageNode): string {
    if (kind === "source")
      return this.#add({
        "@id": `urn:facet:file:${digest}`,
        "@type": "File",
        name: textOf(attributes["path"]) || label,
        identifier: `urn:facet:sha256:${digest}`,
      })
    const { node, port, type, rows, bytes } = attributes
    const name = `${textOf(node)}.${textOf(port)}`
    const shared = {
      name,
      description: `${textOf(type)} that ${textOf(node)} gave${typeof rows === "number" ? `, ${rows} rows` : ""}`,
      identifier: `urn:facet:artifact:${digest}`,
      ...(typeof bytes === "number" ? { contentSize: String(bytes) } : {}),
    }
    if (!this.#store.blobs.has(digest))
      return this.#add({ "@id": `urn:facet:artifact:${encodeURIComponent(id)}`, "@type": "File", ...shared })
    if (type === "Files") return this.#folder(name, digest as Digest, shared)
    const table = typeof rows === "number"
    const path = this.#path("data", name, table ? ".jsonl" : ".json")
    this.#files.push({ path, kind: table ? "table" : "blob", digest: digest as Digest })
    const blobs = table ? [] : this.#blobsOf(digest as Digest)
    return this.#add({
      "@id": path,
      "@type": "File",
      ...shared,
      encodingFormat: table ? "application/jsonl" : "application/json",
      ...(blobs.length === 0 ? {} : { mentions: blobs.map(ref) }),
    })
  }

  #folder(name: string, digest: Digest, shared: Readonly<Record<string, unknown>>): string {
    const path = this.#path("data", name, "/")
    this.#files.push({ path, kind: "files", digest })
    return this.#add({ "@id": path, "@type": "Dataset", ...shared })
  }

  /** Blobs that a JSON artifact names (the weights of a model) are files of the crate. */
  #blobsOf(digest: Digest): ReadonlyArray<string> {
    const refs = [...blobRefs(readJson(this.#store.blobs, digest))]
    return refs
      .filter(({ $blob }) => this.#store.blobs.has($blob))
      .map(({ $blob, bytes, media }) => {
        const path = `blobs/${$blob}`
        if (!this.#paths.has(path)) {
          this.#paths.add(path)
          this.#files.push({ path, kind: "blob", digest: $blob })
        }
        return this.#add({
          "@id": path,
          "@type": "File",
          name: $blob,
          contentSize: String(bytes),
          encodingFormat: media ?? "application/octet-stream",
        })
      })
  }

  #blobIds(): ReadonlyArray<string> {
    return [...this.#paths].filter((path) => path.startsWith("blobs/"))
  }

  #parameter(way: "input" | "output", thing: string): string {
    const entity = this.#entities.get(thing)!
    const id = `${WORKFLOW}#${way}/${encodeURIComponent(textOf(entity["name"]))}`
    this.#add({ ...entity, exampleOfWork: ref(id) })
    return this.#add({
      "@id": id,
      "@type": "FormalParameter",
      name: textOf(entity["name"]),
      additionalType: entity["@type"],
      workExample: ref(thing),
    })
  }

  #tool(uses: string, fingerprint: string): string {
    return this.#add({
      "@id": `urn:facet:type:${uses}:${fingerprint}`,
      "@type": "SoftwareApplication",
      name: uses,
      softwareVersion: fingerprint,
    })
  }

  /** One node: the step of the workflow, what was done, and that the engine had it done. */
  #step(node: LineageNode, position: number, things: ReadonlyMap<string, string>): Step {
    const { uses, fingerprint, params, status, run } = node.attributes
    const name = textOf(node.attributes["node"])
    const at = encodeURIComponent(name)
    const tool = this.#tool(textOf(uses), textOf(fingerprint))
    const values = Object.entries(typeof params === "object" && params !== null ? params : {}).map(
      ([field, value]) =>
        this.#add({
          "@id": `#parameter/${at}/${encodeURIComponent(field)}`,
          "@type": "PropertyValue",
          name: `${name}.${field}`,
          value: typeof value === "string" ? value : JSON.stringify(value),
        }),
    )
    const taken = (this.#into.get(node.id) ?? []).flatMap(({ from }) => things.get(from) ?? [])
    const given = (this.#outOf.get(node.id) ?? []).flatMap(({ to }) => things.get(to) ?? [])
    const earlier = status === "cached" ? ` It was taken from run ${textOf(run)}.` : ""
    const action = this.#add({
      "@id": `#action/${at}`,
      "@type": "CreateAction",
      name: `${name} (${textOf(uses)})`,
      description: `What the node ${name} did.${earlier}`,
      instrument: ref(tool),
      object: [...taken, ...values].map(ref),
      result: given.map(ref),
      startTime: iso(startOf(node)),
      endTime: iso(endOf(node)),
      actionStatus: COMPLETED,
    })
    return this.#controlled(name, position, tool, action)
  }

  #failedStep(
    { id, uses, error }: { readonly id: string; readonly uses: string; readonly error?: string },
    position: number,
  ): Step {
    const tool = this.#tool(uses, "unknown")
    const { run } = this.#lineage
    const action = this.#add({
      "@id": `#action/${encodeURIComponent(id)}`,
      "@type": "CreateAction",
      name: `${id} (${uses})`,
      description: `The node ${id} failed.`,
      instrument: ref(tool),
      endTime: iso(run!.startedAt + run!.ms),
      actionStatus: FAILED,
      error: error ?? "failed",
    })
    return this.#controlled(id, position, tool, action)
  }

  #controlled(name: string, position: number, tool: string, action: string): Step {
    const at = encodeURIComponent(name)
    const step = this.#add({
      "@id": `${WORKFLOW}#step/${at}`,
      "@type": "HowToStep",
      name,
      position: String(position),
      workExample: ref(tool),
    })
    const control = this.#add({
      "@id": `#control/${at}`,
      "@type": "ControlAction",
      name: `the engine had ${name} done`,
      instrument: ref(step),
      object: ref(action),
    })
    return { step, tool, action, control }
  }

  #workflow(
    nodes: ReadonlyArray<LineageNode>,
    steps: ReadonlyArray<Step>,
    inputs: ReadonlyArray<string>,
    outputs: ReadonlyArray<string>,
  ): void {
    const { pipeline } = this.#lineage
    const text = JSON.stringify(
      { pipeline, nodes: Object.fromEntries(nodes.map((node) => this.#resolved(node))) },
      null,
      2,
    )
    this.#files.push({ path: WORKFLOW, kind: "text", text: `${text}\n` })
    this.#add({
      "@id": WORKFLOW,
      "@type": ["File", "SoftwareSourceCode", "ComputationalWorkflow", "HowTo"],
      name: `${pipeline}, as it was resolved`,
      description:
        "The nodes with their types, parameters and inputs, after profiles, references and matrices.",
      encodingFormat: "application/json",
      version: this.#lineage.run?.id ?? "newest",
      programmingLanguage: ref(LANGUAGE),
      conformsTo: ref(BIOSCHEMAS),
      input: inputs.map(ref),
      output: outputs.map(ref),
      step: steps.map(({ step }) => ref(step)),
      hasPart: [...new Set(steps.map(({ tool }) => tool))].map(ref),
    })
  }

  #resolved(node: LineageNode): readonly [string, unknown] {
    const inputs = Map.groupBy(this.#into.get(node.id) ?? [], ({ role }) => role)
    const names = [...inputs].flatMap(([port, edges]) => {
      const from = edges.flatMap((edge) => {
        const thing = this.#byId.get(edge.from)
        return thing?.kind === "artifact"
          ? [`${textOf(thing.attributes["node"])}.${textOf(thing.attributes["port"])}`]
          : []
      })
      return from.length === 0 ? [] : [[port, from.length === 1 ? from[0] : from] as const]
    })
    return [
      textOf(node.attributes["node"]),
      { uses: node.attributes["uses"], in: Object.fromEntries(names), with: node.attributes["params"] },
    ]
  }

  #runAction(all: {
    readonly start: string
    readonly end: string
    readonly steps: ReadonlyArray<Step>
    readonly used: ReadonlyArray<string>
    readonly given: ReadonlyArray<string>
  }): void {
    const { run, pipeline, ref: asked } = this.#lineage
    const name = run === undefined ? `what ${asked} rests on` : `run ${run.id} of ${pipeline}`
    const status = run === undefined || run.status === "ok" ? COMPLETED : FAILED
    const error = this.#failed().map((node) => `${node.id}: ${node.error ?? "failed"}`)
    this.#add({
      "@id": RUN,
      "@type": "CreateAction",
      name,
      description: `The nodes of ${pipeline} that belong to it, each with what it took and gave.`,
      instrument: ref(WORKFLOW),
      object: all.used.map(ref),
      result: all.given.map(ref),
      startTime: all.start,
      endTime: all.end,
      actionStatus: status,
      ...(status === FAILED ? { error: error.join("; ") || (run?.status ?? "failed") } : {}),
    })
    this.#add({
      "@id": "#organize",
      "@type": "OrganizeAction",
      name: `Facet ran ${pipeline}`,
      instrument: ref(this.#engine),
      object: all.steps.map(({ control }) => ref(control)),
      result: ref(RUN),
      startTime: all.start,
      endTime: all.end,
      actionStatus: status,
      ...(status === FAILED ? { error: error.join("; ") || (run?.status ?? "failed") } : {}),
    })
  }

  #descriptors(parts: ReadonlyArray<string>, steps: ReadonlyArray<Step>, end: string): ReadonlyArray<Entity> {
    const { pipeline, ref: asked, run } = this.#lineage
    return [
      {
        "@id": "ro-crate-metadata.json",
        "@type": "CreativeWork",
        about: ref("./"),
        conformsTo: [ref(RO_CRATE), ref("https://w3id.org/workflowhub/workflow-ro-crate/1.0")],
      },
      {
        "@id": "./",
        "@type": "Dataset",
        name: run === undefined ? `Lineage of ${asked} (${pipeline})` : `Run ${run.id} of ${pipeline}`,
        description: `What was computed, of what, by what: ${asked} of the pipeline ${pipeline}, written by Facet ${this.#version}.`,
        datePublished: end,
        license: ref(LICENCES),
        conformsTo: PROFILES.map(([id]) => ref(id)),
        mainEntity: ref(WORKFLOW),
        hasPart: [...new Set(parts)].map(ref),
        mentions: [RUN, "#organize", ...steps.flatMap(({ action, control }) => [action, control])].map(ref),
      },
      {
        "@id": LICENCES,
        "@type": "CreativeWork",
        name: "Licences of the sources",
        description:
          "Every sample keeps the licence of its source, which its row names; no other licence is given.",
      },
      ...PROFILES.map(([id, name, version]) => ({ "@id": id, "@type": "CreativeWork", name, version })),
      {
        "@id": LANGUAGE,
        "@type": "ComputerLanguage",
        name: "Facet pipeline",
        alternateName: "facet",
        identifier: ref("urn:facet:language"),
        url: ref("urn:facet:language"),
        version: this.#version,
      },
      {
        "@id": this.#engine,
        "@type": "SoftwareApplication",
        name: "Facet",
        softwareVersion: this.#version,
      },
    ]
  }
}

interface Step {
  readonly step: string
  readonly tool: string
  readonly action: string
  readonly control: string
}

const startOf = ({ attributes }: LineageNode): number => Date.parse(textOf(attributes["startedAt"]))
const endOf = (node: LineageNode): number =>
  startOf(node) + (typeof node.attributes["ms"] === "number" ? node.attributes["ms"] : 0)
/** ISO 8601 with the offset written out, as the profile asks for it. */
const iso = (ms: number): string => new Date(ms).toISOString().replace("Z", "+00:00")

function* blobRefs(value: unknown): Generator<BlobRef> {
  if (Array.isArray(value)) for (const part of value) yield* blobRefs(part)
  else if (typeof value === "object" && value !== null) {
    if ("$blob" in value) yield value as BlobRef
    else for (const part of Object.values(value)) yield* blobRefs(part)
  }
}
