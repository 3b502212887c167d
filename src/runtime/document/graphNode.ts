import type { GraphNode } from "../graph.ts"
import type { NodeDefinition } from "../node.ts"
import type { Draft } from "./draft.ts"
import { parseDuration } from "./duration.ts"
import type { NodeShape } from "./shape.ts"
import { positionOf } from "./source.ts"
import { secretsIn, type Entry } from "./tree.ts"

/** A node of the graph, of its checked parts. */
export const graphNode = (
  { instance, tree }: Draft,
  shape: NodeShape,
  definition: NodeDefinition,
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
