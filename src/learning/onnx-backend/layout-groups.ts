import type { LazyNode } from "./lazy-node.ts"
import { sameShape, type Layout } from "./layout.ts"

/**
 * Decides how the tensors that live between steps lie in memory. Rank-4 nodes that are combined element by element
 * (weight, gradient, momentum) form a group; a group that contains a filter is kept in the order that convolutions
 * want, so that a weight needs no transpose on its way in and out of each step. All others stay plain.
 *
 * @returns the layout of each known or live node.
 */
export function persistentLayouts(order: ReadonlyArray<LazyNode>): (node: LazyNode) => Layout {
  const parent = order.map((_, i) => i)
  const find = (i: number): number => {
    let root = i
    while (parent[root] !== root) root = parent[root]
    while (parent[i] !== root) {
      const next = parent[i]
      parent[i] = root
      i = next
    }
    return root
  }
  const filters: Array<number> = []
  for (const node of order) {
    if (node.value !== undefined) continue
    if (node.op === "Conv2D" || node.op === "Conv2DBackpropInput") filters.push(node.inputs[1].index)
    else if (node.op === "Conv2DBackpropFilter") filters.push(node.index)
    else if (node.shape.length === 4 && ELEMENTWISE.has(node.op)) {
      for (const input of node.inputs) {
        if (sameShape(input.shape, node.shape)) parent[find(input.index)] = find(node.index)
      }
    }
  }
  const filterGroups = new Set(filters.map(find))
  return (node) => (node.shape.length === 4 && filterGroups.has(find(node.index)) ? "OIHW" : "plain")
}

const ELEMENTWISE: ReadonlySet<string> = new Set([
  "Add",
  "AddN",
  "Sub",
  "Multiply",
  "RealDiv",
  "Maximum",
  "Minimum",
  "SquaredDifference",
  "Square",
  "Sqrt",
  "Rsqrt",
  "Abs",
  "Neg",
  "ClipByValue",
  "Select",
  "ZerosLike",
])
