import type { References } from "./interpolate.ts"
import type { Instance } from "./matrix.ts"
import type { Problems } from "./problems.ts"
import { readReferences, type Reference } from "./references.ts"
import { secretsIn, type Entry, type MapTree } from "./tree.ts"

/** A node instance with its references filled in, before its inputs are connected. */
export interface Draft {
  readonly instance: Instance
  readonly tree: MapTree
  readonly references: ReadonlyMap<string, ReadonlyArray<Reference>>
}

/** Keys whose empty value (`in:` and nothing after it) means that there is none. */
const emptyAllowed = new Set(["in", "with", "matrix", "resources"])

/** Fills in the references of one instance; nothing where the node is no map. */
export const draft = (
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
