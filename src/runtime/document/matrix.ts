import { limits } from "./limits.ts"
import { suggest, type Problems } from "./problems.ts"
import type { References } from "./interpolate.ts"
import { describe, type Entry, type MapTree, type ScalarTree, type Tree } from "./tree.ts"
import { namePattern } from "./shape.ts"

/** One instance of a node: the only one, or one per combination of its axes. */
export interface Instance {
  readonly id: string
  readonly name: string
  /** Values of the axes, keys sorted. */
  readonly bindings: ReadonlyMap<string, ScalarTree>
  /** By node name: the instance of that node this one belongs to (`each`, and the `each` of those). */
  readonly pins: ReadonlyMap<string, string>
}

/** A value as part of an id: what a file name or a shell could not bear is percent-encoded. */
export const formatBinding = (value: unknown): string =>
  Array.from(String(value), (letter) =>
    /[A-Za-z0-9._+-]/.test(letter) ? letter : encodeURIComponent(letter).replace(/[!'()*~]/g, escapeByte),
  ).join("")
const escapeByte = (letter: string): string => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`

export const instanceId = (name: string, bindings: ReadonlyMap<string, ScalarTree>): string =>
  bindings.size === 0
    ? name
    : `${name}[${Array.from(bindings, ([axis, value]) => `${axis}=${formatBinding(value.value)}`).join(",")}]`

const byKey = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number => (a < b ? -1 : 1)

/**
 * The instances of every node, in an order that does not depend on the order of keys: axes by name, values as
 * listed. Nodes whose axes are wrong have one instance without bindings, so that the rest of them is checked.
 */
export const expandInstances = (
  nodes: ReadonlyMap<string, Entry>,
  references: References,
  problems: Problems,
): ReadonlyMap<string, ReadonlyArray<Instance>> => {
  const expanded = new Map<string, ReadonlyArray<Instance>>()
  const open = new Set<string>()
  let total = 0
  const expand = (name: string): ReadonlyArray<Instance> => {
    const known = expanded.get(name)
    if (known !== undefined) return known
    open.add(name)
    const tree = nodes.get(name)!.value
    const made = tree.kind === "map" ? combine(name, tree, upstream(name, tree)) : [single(name)]
    open.delete(name)
    expanded.set(name, made)
    return made
  }

  const single = (name: string): Instance => ({ id: name, name, bindings: new Map(), pins: new Map() })

  const upstream = (name: string, tree: MapTree): ReadonlyArray<Instance> => {
    const each = tree.entries.get("each")
    if (each === undefined) return [single(name)]
    const path = ["nodes", name, "each"]
    const { value } = each
    if (value.kind !== "scalar" || typeof value.value !== "string") {
      // A wrong type is told when the node's keys are checked.
      return [single(name)]
    }
    const of = value.value
    if (!nodes.has(of)) {
      problems.error(value.at, path, `there is no node "${of}"`, suggest(of, nodes.keys(), "nodes"))
      return [single(name)]
    }
    if (open.has(of)) {
      problems.error(value.at, path, "`each` goes in a circle", [...open, of].join(" → "))
      return [single(name)]
    }
    return expand(of).map((instance) => ({
      ...instance,
      name,
      pins: new Map([...instance.pins, [of, instance.id]]),
    }))
  }

  const combine = (name: string, tree: MapTree, bases: ReadonlyArray<Instance>): ReadonlyArray<Instance> => {
    const matrix = tree.entries.get("matrix")?.value
    let instances = bases
    if (matrix?.kind === "map") {
      for (const [axis, entry] of [...matrix.entries].sort(byKey)) {
        const values = axisValues(name, axis, entry)
        if (values.length === 0) continue
        if (instances.some((instance) => instance.bindings.has(axis))) {
          problems.error(
            entry.key,
            ["nodes", name, "matrix", axis],
            `the axis "${axis}" comes from \`each\` already`,
            "give it another name",
          )
          continue
        }
        if (total + instances.length * values.length > limits.instances) {
          problems.error(
            entry.key,
            ["nodes", name, "matrix", axis],
            "the matrix makes too many instances",
            `a document may have ${limits.instances}`,
          )
          continue
        }
        instances = instances.flatMap((instance) =>
          values.map((value) => ({ ...instance, bindings: new Map([...instance.bindings, [axis, value]]) })),
        )
      }
    }
    total += instances.length
    return instances.map((instance) => {
      const bindings = new Map([...instance.bindings].sort(byKey))
      return { ...instance, bindings, id: instanceId(name, bindings) }
    })
  }

  const axisValues = (name: string, axis: string, entry: Entry): ReadonlyArray<ScalarTree> => {
    const path = ["nodes", name, "matrix", axis]
    if (!namePattern.test(axis)) {
      problems.error(
        entry.key,
        path,
        `"${axis}" cannot name an axis`,
        "letters, digits, _ and -, a letter first",
      )
      return []
    }
    const filled = references.fill(entry.value, path, undefined)
    const items: ReadonlyArray<Tree> = filled.kind === "list" ? filled.items : [filled]
    if (items.length === 0) problems.error(entry.value.at, path, "the axis has no values")
    const seen = new Map<string, ScalarTree>()
    for (const [index, item] of items.entries()) {
      const at = filled.kind === "list" ? [...path, index] : path
      if (item.kind !== "scalar" || item.value === null || item.secret !== undefined) {
        if (item.kind !== "scalar" || item.missing !== true)
          problems.error(
            item.at,
            at,
            `a value of an axis is a text, a number, true or false, not ${describe(item)}`,
            "give the values names here and refer to what they stand for elsewhere",
          )
        continue
      }
      const written = formatBinding(item.value)
      if (seen.has(written)) {
        problems.error(item.at, at, `the value ${describe(item)} stands here twice`)
        continue
      }
      seen.set(written, item)
    }
    return [...seen.values()]
  }

  for (const name of nodes.keys()) expand(name)
  return expanded
}
