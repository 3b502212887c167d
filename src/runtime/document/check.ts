import * as Result from "effect/Result"
import type { ArtifactType } from "../../schema/artifact.ts"
import { digestOf } from "../../schema/digest.ts"
import type { Catalogue, CatalogueEntry } from "../catalogue.ts"
import type { Graph, GraphNode } from "../graph.ts"
import { decodeTree } from "./decode.ts"
import { draft, type Draft } from "./draft.ts"
import type { Envelope } from "./envelope.ts"
import { graphNode } from "./graphNode.ts"
import { References } from "./interpolate.ts"
import { expandInstances } from "./matrix.ts"
import { orderNames } from "./order.ts"
import { decodeParams, tellObjections } from "./params.ts"
import { Problems, suggest, type DocumentError } from "./problems.ts"
import { NodeShape } from "./shape.ts"
import type { Entry } from "./tree.ts"
import { resolveOutputs } from "./types.ts"
import { wire, type Types, type Upstream } from "./wiring.ts"
import { withPorts } from "./withPorts.ts"

const isKnown = (outputs: Types): outputs is Readonly<Record<string, ArtifactType>> =>
  Object.values(outputs).every((type) => type !== undefined)

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
  for (const name of new Set([...order, ...names])) {
    const entry = envelope.nodes.get(name)!
    const type = nodeType(name, entry, catalogue, problems)
    const built: Array<Upstream["instances"][number]> = []
    for (const one of drafts.get(name)!) {
      const base = { path: ["nodes", name], base: entry.key, problems }
      const shape = decodeTree(NodeShape, one.tree, {
        ...base,
        noun: "key",
        help: "give it a type: { uses: TYPE }",
      })
      if (type === undefined) continue
      const params = decodeParams(one.tree, type.definition, name, entry, problems)
      const ports = one.tree.entries.get("in")?.value
      const wired = wire(one.references, {
        instance: one.instance,
        definition: type.definition,
        uses: type.definition.type,
        tree: ports?.kind === "map" ? ports : undefined,
        base: entry.key,
        upstreams,
        catalogue,
        problems,
      })
      if (params === undefined) {
        const fixed = type.definition.outputsOf === undefined
        built.push({
          instance: one.instance,
          outputs: fixed ? resolveOutputs(type.definition, wired.types) : undefined,
        })
        continue
      }
      const definition = withPorts(type.definition, wired.open, params)
      const outputs = resolveOutputs(definition, wired.types)
      built.push({ instance: one.instance, outputs })
      tellObjections(one.tree, definition, params, Object.keys(wired.inputs), name, entry, problems)
      if (shape === undefined || problems.failed || !isKnown(outputs)) continue
      nodes.push(graphNode(one, shape, definition, params, wired.inputs, outputs, documentSeed, entry))
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
