import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type { ArtifactType } from "../../schema/artifact.ts"
import { digestOf } from "../../schema/digest.ts"
import type { Catalogue, CatalogueEntry } from "../catalogue.ts"
import type { Graph, GraphNode } from "../graph.ts"
import type { NodeDefinition } from "../node.ts"
import { decodeTree } from "./decode.ts"
import { parseDuration } from "./duration.ts"
import type { Envelope } from "./envelope.ts"
import { References } from "./interpolate.ts"
import { expandInstances, type Instance } from "./matrix.ts"
import { orderNames } from "./order.ts"
import { Problems, suggest, type DocumentError } from "./problems.ts"
import { NodeShape } from "./shape.ts"
import { positionOf } from "./source.ts"
import { secretsIn, type Entry, type MapTree, type Tree } from "./tree.ts"
import { resolveOutputs } from "./types.ts"
import { readReferences, wire, type Reference, type Upstream } from "./wiring.ts"

/** A node instance with its references filled in, before its inputs are connected. */
interface Draft {
  readonly instance: Instance
  readonly tree: MapTree
  readonly references: ReadonlyMap<string, ReadonlyArray<Reference>>
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null
type Types = Readonly<Record<string, ArtifactType | undefined>>
const isKnown = (outputs: Types): outputs is Readonly<Record<string, ArtifactType>> =>
  Object.values(outputs).every((type) => type !== undefined)

const noParams: NodeDefinition["params"] = Schema.Struct({})

/** Checks a whole document against the node types there are and expands it. Every problem is found at once. */
export const checkDocument = (
  envelope: Envelope,
  catalogue: Catalogue,
  environment: Readonly<Record<string, string | undefined>>,
): Result.Result<Graph, DocumentError> => {
  const problems = envelope.problems
  const references = new References(problems, envelope.params, envelope.environment, environment)
  for (const name of envelope.params.entries.keys()) references.param(name)
  const documentSeed = readSeed(references, problems)
  const names = new Set(envelope.nodes.keys())
  const expanded = expandInstances(envelope.nodes, references, problems)

  const drafts = new Map<string, ReadonlyArray<Draft>>()
  for (const [name, entry] of envelope.nodes) {
    drafts.set(
      name,
      expanded.get(name)!.flatMap((instance) => draft(name, entry, instance, names, references, problems)),
    )
  }
  const upstreamNames = (name: string): Set<string> => {
    const ups = new Set<string>()
    for (const { references } of drafts.get(name)!) {
      for (const written of references.values()) for (const { name: up } of written) ups.add(up)
    }
    return ups
  }
  const { order, cycles } = orderNames([...names], upstreamNames)
  for (const cycle of cycles) reportCycle(cycle, drafts, problems)

  const upstreams = new Map<string, Upstream>()
  const nodes: Array<GraphNode> = []
  // What is on a circle or after one is checked too, as far as it can be.
  const rest = [...names].filter((name) => !order.includes(name))
  for (const name of cycles.length === 0 ? order : [...order, ...rest]) {
    const entry = envelope.nodes.get(name)!
    const type = nodeType(name, entry, catalogue, problems)
    const built: Array<{ instance: Instance; outputs: Readonly<Record<string, ArtifactType | undefined>> }> =
      []
    for (const one of drafts.get(name)!) {
      const base = { path: ["nodes", name], base: entry.key, problems }
      const shape = decodeTree(NodeShape, one.tree, {
        ...base,
        noun: "key",
        help: "give it a type: { uses: TYPE }",
      })
      if (type === undefined) continue
      const { definition } = type
      const wired = wire(one.references, {
        instance: one.instance,
        definition,
        uses: definition.type,
        tree: mapAt(one.tree, "in"),
        base: entry.key,
        upstreams,
        catalogue,
        problems,
      })
      const outputs = resolveOutputs(definition, wired.types)
      built.push({ instance: one.instance, outputs })
      const given: Tree = one.tree.entries.get("with")?.value ?? {
        kind: "map",
        entries: new Map(),
        at: entry.key,
      }
      const params =
        given.kind === "map"
          ? decodeTree(definition.params ?? noParams, given, {
              problems,
              path: ["nodes", name, "with"],
              base: one.tree.entries.get("with")?.key ?? entry.key,
              noun: "parameter",
              help: `dag nodes ${definition.type} says more`,
            })
          : undefined
      if (shape === undefined || !isRecord(params) || problems.failed || !isKnown(outputs)) continue
      nodes.push(graphNode(one, shape, type, params, wired.inputs, outputs, documentSeed, entry))
    }
    upstreams.set(name, { definition: type?.definition, instances: built })
  }
  if (problems.failed) return Result.fail(problems.failure)
  return Result.succeed({
    pipeline: envelope.pipeline,
    file: envelope.file,
    root: envelope.root,
    text: digestOf(envelope.source.text),
    nodes,
    warnings: problems.all,
  })
}

const mapAt = (tree: MapTree, key: string): MapTree | undefined => {
  const value = tree.entries.get(key)?.value
  return value?.kind === "map" ? value : undefined
}

const readSeed = (references: References, problems: Problems): number => {
  const seed = references.param("seed")
  if (seed === undefined || (seed.kind === "scalar" && seed.value === null)) return 0
  if (
    seed.kind === "scalar" &&
    typeof seed.value === "number" &&
    Number.isSafeInteger(seed.value) &&
    seed.value >= 0
  ) {
    return seed.value
  }
  problems.error(seed.at, ["params", "seed"], "the seed must be a whole number, 0 or more")
  return 0
}

/** Keys whose empty value (`in:` and nothing after it) means that there is none. */
const emptyAllowed = new Set(["in", "with", "matrix", "resources"])

const draft = (
  name: string,
  entry: Entry,
  instance: Instance,
  names: ReadonlySet<string>,
  references: References,
  problems: Problems,
): ReadonlyArray<Draft> => {
  const path = ["nodes", name]
  const { value } = entry
  if (value.kind !== "map") {
    problems.error(entry.key, path, `the node "${name}" is empty`, "give it a type: { uses: TYPE }")
    return []
  }
  const entries = new Map<string, Entry>()
  for (const [key, { key: at, value: raw }] of value.entries) {
    if (emptyAllowed.has(key) && raw.kind === "scalar" && raw.value === null) continue
    // The type is the same for all instances, and the axes have been read.
    const literal = key === "uses" || key === "each" || key === "matrix" || key === "description"
    entries.set(key, {
      key: at,
      value: literal ? raw : references.fill(raw, [...path, key], instance.bindings),
    })
  }
  const tree: MapTree = { ...value, entries }
  for (const [key, { value }] of entries) {
    if (key === "with" || key === "matrix") continue
    for (const secret of secretsIn(value)) {
      problems.error(
        secret.tree.at,
        [...path, key, ...secret.path],
        `the secret ${secret.name} cannot be used here`,
        "secrets are for parameters (with) only",
      )
    }
  }
  return [
    { instance, tree, references: readReferences(tree.entries.get("in")?.value, names, path, problems) },
  ]
}

const nodeType = (
  name: string,
  entry: Entry,
  catalogue: Catalogue,
  problems: Problems,
): CatalogueEntry | undefined => {
  const uses = entry.value.kind === "map" ? entry.value.entries.get("uses")?.value : undefined
  if (uses?.kind !== "scalar" || typeof uses.value !== "string") return undefined
  const found = catalogue.get(uses.value)
  if (found !== undefined) return found
  const family = uses.value.split(".")[0]
  const related = [...catalogue.keys()].filter((type) => type.startsWith(`${family}.`))
  const hint = suggest(uses.value, catalogue.keys(), "node types")
  problems.error(
    uses.at,
    ["nodes", name, "uses"],
    `there is no node type "${uses.value}"`,
    hint.startsWith("did") || related.length === 0
      ? hint
      : `node types of ${family}: ${related.join(", ")}; all: dag nodes`,
  )
  return undefined
}

const reportCycle = (
  cycle: ReadonlyArray<string>,
  drafts: ReadonlyMap<string, ReadonlyArray<Draft>>,
  problems: Problems,
): void => {
  const [first] = cycle
  const last = cycle.at(-1)!
  for (const { references } of drafts.get(first)!) {
    for (const written of references.values()) {
      const closing = written.find((reference) => reference.name === last)
      if (closing === undefined) continue
      const text = [...cycle, first].join(" → ")
      problems.error(closing.at, closing.path, `the nodes feed each other in a circle: ${text}`)
      return
    }
  }
}

const graphNode = (
  { instance, tree }: Draft,
  shape: NodeShape,
  { definition }: CatalogueEntry,
  params: GraphNode["params"],
  inputs: GraphNode["inputs"],
  outputs: GraphNode["outputs"],
  documentSeed: number,
  entry: Entry,
): GraphNode => {
  const timeoutMs = shape.timeout === undefined ? undefined : parseDuration(shape.timeout)
  const refreshMs = shape.refresh === undefined ? undefined : parseDuration(shape.refresh)
  const secrets: Record<string, string> = {}
  const given = tree.entries.get("with")?.value
  for (const { name, tree } of given === undefined ? [] : secretsIn(given)) {
    if (tree.missing !== true) secrets[name] = String(tree.value)
  }
  return {
    id: instance.id,
    name: instance.name,
    uses: definition.type,
    definition,
    params,
    inputs,
    outputs,
    seed: typeof params["seed"] === "number" ? params["seed"] : documentSeed,
    resources: { ...definition.resources, ...shape.resources },
    retries: shape.retries ?? 0,
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    optional: shape.optional ?? false,
    ...(refreshMs === undefined ? {} : { refreshMs }),
    secrets,
    at: { file: entry.key.source.name, ...positionOf(entry.key.source, entry.key.start) },
  }
}
