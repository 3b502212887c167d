import type { LazyNode } from "../lazy-node.ts"
import { physicalShape } from "../layout.ts"
import type { Lowered, Lowering } from "../lowering.ts"
import { applyAffine } from "./affine.ts"
import { affineOf, affineSum, noteRelu, reluOf } from "./fusion.ts"
import type { Kernel, KernelTable } from "./kernel.ts"

function lowerRelu(l: Lowering, node: LazyNode): Lowered {
  const g = l.graph
  const [input] = node.inputs
  const feature = (rows: string): Lowered => ({
    name: g.reshape(rows, physicalShape(node.shape, "CNHW")),
    layout: "CNHW",
  })
  const affine = affineOf(l, input)
  if (affine !== undefined) return feature(applyAffine(g, affine, "Relu"))
  const sum = affineSum(l, input)
  if (sum !== undefined) return feature(applyAffine(g, sum.affine, "Relu", l.channelRows(sum.addend)))
  const { name, layout } = l.of(input)
  return { name: g.emit("Relu", [name]), layout }
}

const relu: Kernel = (call) => {
  const x = call.operand("x")
  if (x.dtype !== "float32") return undefined
  return call.backend.record("Relu", [x], x.shape, "float32", "float32", (l, node) => {
    const value = lowerRelu(l, node)
    noteRelu(l, node.inputs[0], value)
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
    const { name, layout } = reluOf(l, input) ?? l.of(input)
    const positive = g.emit("Greater", [name, g.scalar(0)])
    if (alpha === 0) return { name: g.emit("Cast", [positive], { to: 1 }), layout }
    return { name: g.emit("Where", [positive, g.scalar(1), g.scalar(alpha)]), layout }
  })
}

/** Relu and the step function of its gradient. */
export const reluKernels: KernelTable = { Relu: relu, Step: step }
