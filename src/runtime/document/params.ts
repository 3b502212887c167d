import * as Schema from "effect/Schema"
import type { NodeDefinition } from "../node.ts"
import { decodeTree } from "./decode.ts"
import type { Problems } from "./problems.ts"
import { placeOf, secretsIn, type Entry, type MapTree, type Tree } from "./tree.ts"

export type Params = Readonly<Record<string, unknown>>

const noParams: NodeDefinition["params"] = Schema.Struct({})

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null

/** The parameters of one instance, decoded by its type; undefined where they are wrong, which is told. */
export const decodeParams = (
  tree: MapTree,
  definition: NodeDefinition,
  name: string,
  entry: Entry,
  problems: Problems,
): Params | undefined => {
  const written = tree.entries.get("with")
  const given: Tree = written?.value ?? { kind: "map", entries: new Map(), at: entry.key }
  if (given.kind !== "map") return undefined
  const path = ["nodes", name, "with"]
  const { secretParams } = definition
  if (secretParams !== undefined) {
    for (const secret of secretsIn(given)) {
      if (secretParams.includes(String(secret.path[0]))) continue
      problems.error(
        secret.tree.at,
        [...path, ...secret.path],
        `the secret ${secret.name} cannot be used here`,
        `${definition.type} takes secrets in ${secretParams.join(" and ")} only`,
      )
    }
  }
  const params = decodeTree(definition.params ?? noParams, given, {
    problems,
    path,
    base: written?.key ?? entry.key,
    noun: "parameter",
    help: `dag nodes ${definition.type} says more`,
  })
  return isRecord(params) ? params : undefined
}

/** Tells what the node type has against its parameters and ports taken together, at the places they stand. */
export const tellObjections = (
  tree: MapTree,
  definition: NodeDefinition,
  params: Params,
  ports: ReadonlyArray<string>,
  name: string,
  entry: Entry,
  problems: Problems,
): void => {
  for (const { path, message, hint } of definition.check?.(params as never, ports) ?? []) {
    const place = placeOf(tree, path, entry.key)
    problems.error(place.at, ["nodes", name, ...path], message, hint)
  }
}
