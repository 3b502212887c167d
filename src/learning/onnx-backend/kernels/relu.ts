import type { LazyNode } from "../lazy-node.ts"
import { physicalShape, sameShape } from "../layout.ts"
import type { Lowered, Lowering } from "../lowering.ts"
import { applyAffine, type Affine } from "./affine.ts"
import type { Kernel, KernelTable } from "./kernel.ts"

interface Notes {
  /** Batch-normalized feature maps that are not needed by themselves if only a relu reads them. */
  readonly affine: Map<LazyNode, Affine>
  /** What has been put through a relu, and what came out. */
  readonly relu: Map<LazyNode, Lowered>
}
const notes = new WeakMap<Lowering, Notes>()

function notesOf(l: Lowering): Notes {
  const found = notes.get(l)
  if (found !== undefined) return found
  const fresh: Notes = { affine: new Map(), relu: new Map() }
  notes.set(l, fresh)
  return fresh
}

/** Tells that `node` is an affine map of a feature map, so that a relu after it can be computed in the same pass. */
export function noteAffine(l: Lowering, node: LazyNode, affine: Affine): void {
  notesOf(l).affine.set(node, affine)
}

/** The sum of a batch-normalized map and another: the end of a residual unit. */
function residual(
  l: Lowering,
  node: LazyNode,
): { readonly affine: Affine; readonly addend: LazyNode } | undefined {
  const { affine } = notesOf(l)
  if (node.op !== "Add" || node.value !== undefined) return undefined
  if (!node.inputs.every((input) => sameShape(input.shape, node.shape))) return undefined
  const [first, second] = node.inputs
  const ofFirst = affine.get(first)
  if (ofFirst !== undefined) return { affine: ofFirst, addend: second }
  const ofSecond = affine.get(second)
  return ofSecond === undefined ? undefined : { affine: ofSecond, addend: first }
}

function lowerRelu(l: Lowering, node: LazyNode): Lowered {
  const g = l.graph
  const [input] = node.inputs
  const feature = (rows: string): Lowered => ({
    name: g.reshape(rows, physicalShape(node.shape, "CNHW")),
    layout: "CNHW",
  })
  const affine = notesOf(l).affine.get(input)
  if (affine !== undefined) return feature(applyAffine(g, affine, "Relu"))
  const sum = residual(l, input)
  if (sum !== undefined) return feature(applyAffine(g, sum.affine, "Relu", l.channelRows(sum.addend)))
  const { name, layout } = l.of(input)
  return { name: g.emit("Relu", [name]), layout }
}

const relu: Kernel = (call) => {
  const x = call.operand("x")
  if (x.dtype !== "float32") return undefined
  return call.backend.record("Relu", [x], x.shape, "float32", "float32", (l, node) => {
    const value = lowerRelu(l, node)
    notesOf(l).relu.set(node.inputs[0], value)
    return value
  })
}

/**
 * 1 where x > 0, else alpha; what tfjs' gradients of relu and abs multiply by. After a relu its output serves, which
 * has the same sign: then x itself need not be kept, or computed at all.
 */
const step: Kernel = (call) => {
  const x = call.operand("x")
  const alpha = call.has("alpha") ? call.number("alpha") : 0
  if (x.dtype !== "float32") return undefined
  return call.backend.record("Step", [x], x.shape, "float32", String(alpha), (l, node) => {
    const g = l.graph
    const [input] = node.inputs
    const { name, layout } = notesOf(l).relu.get(input) ?? l.of(input)
    const positive = g.emit("Greater", [name, g.scalar(0)])
    if (alpha === 0) return { name: g.emit("Cast", [positive], { to: 1 }), layout }
    return { name: g.emit("Where", [positive, g.scalar(1), g.scalar(alpha)]), layout }
  })
}

/** Relu and the step function of its gradient. */
export const reluKernels: KernelTable = { Relu: relu, Step: step }
