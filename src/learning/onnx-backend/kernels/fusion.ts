import type { LazyNode } from "../lazy-node.ts"
import { sameShape } from "../layout.ts"
import type { Lowered, Lowering } from "../lowering.ts"
import type { Affine } from "./affine.ts"

/**
 * What a lowering tells those of its users: how its result may be computed together with the next operation, in fewer
 * passes over memory. The result by itself is emitted as well; if nobody needs it, it is dropped with the dead code.
 */
interface Notes {
  /** Batch-normalized feature maps. */
  readonly affine: Map<LazyNode, Affine>
  /** What has been put through a relu, and what came out. */
  readonly relu: Map<LazyNode, Lowered>
  /** Results that can take one more addend of the same shape. */
  readonly sum: Map<LazyNode, (addend: LazyNode) => Lowered>
}
const notes = new WeakMap<Lowering, Notes>()

function notesOf(l: Lowering): Notes {
  const found = notes.get(l)
  if (found !== undefined) return found
  const fresh: Notes = { affine: new Map(), relu: new Map(), sum: new Map() }
  notes.set(l, fresh)
  return fresh
}

/** Tells that `node` is an affine map of a feature map, so that a relu after it can be computed in the same pass. */
export function noteAffine(l: Lowering, node: LazyNode, affine: Affine): void {
  notesOf(l).affine.set(node, affine)
}

export const affineOf = (l: Lowering, node: LazyNode): Affine | undefined => notesOf(l).affine.get(node)

/** Tells what relu made of `input`. */
export function noteRelu(l: Lowering, input: LazyNode, output: Lowered): void {
  notesOf(l).relu.set(input, output)
}

export const reluOf = (l: Lowering, input: LazyNode): Lowered | undefined => notesOf(l).relu.get(input)

/** Tells how to compute `node` plus another tensor of its shape. */
export function noteSum(l: Lowering, node: LazyNode, sum: (addend: LazyNode) => Lowered): void {
  notesOf(l).sum.set(node, sum)
}

const addsEqualShapes = (node: LazyNode): boolean =>
  node.op === "Add" &&
  node.value === undefined &&
  node.inputs.every((input) => sameShape(input.shape, node.shape))

/** If `node` adds a batch-normalized map and another (the end of a residual unit): the two. */
export function affineSum(
  l: Lowering,
  node: LazyNode,
): { readonly affine: Affine; readonly addend: LazyNode } | undefined {
  if (!addsEqualShapes(node)) return undefined
  const [first, second] = node.inputs
  const ofFirst = affineOf(l, first)
  if (ofFirst !== undefined) return { affine: ofFirst, addend: second }
  const ofSecond = affineOf(l, second)
  return ofSecond === undefined ? undefined : { affine: ofSecond, addend: first }
}

/** The sum `node`, computed together with one of its operands, if that can take an addend. */
export function fusedSum(l: Lowering, node: LazyNode): Lowered | undefined {
  if (!addsEqualShapes(node)) return undefined
  const [first, second] = node.inputs
  if (first === second) return undefined
  return notesOf(l).sum.get(first)?.(second) ?? notesOf(l).sum.get(second)?.(first)
}
