import { sizeOf } from "../layout.ts"
import { plain } from "../lowering.ts"
import { broadcastOperand, commonLayout } from "./binary.ts"
import type { Kernel, KernelTable } from "./kernel.ts"

/** condition ? t : e, element by element; a condition of rank 1 chooses along the first dimension. */
const select: Kernel = (call) => {
  const condition = call.operand("condition")
  const t = call.operand("t")
  const e = call.operand("e")
  if (t.dtype !== e.dtype || t.dtype === "bool") return undefined
  return call.backend.record("Select", [condition, t, e], t.shape, t.dtype, "", (l, node) => {
    const g = l.graph
    const rank = node.shape.length
    const [c, a, b] = node.inputs
    if (c.shape.length !== rank) {
      const shape = [...c.shape, ...Array<number>(rank - c.shape.length).fill(1)]
      return plain(g.emit("Where", [g.reshape(l.plain(c), shape), l.plain(a), l.plain(b)]))
    }
    const layout = commonLayout(l, node)
    return { name: g.emit("Where", [l.as(c, layout), l.as(a, layout), l.as(b, layout)]), layout }
  })
}

/** Indices outside of 0…depth−1 give a row of `offValue`. */
const oneHot: Kernel = (call) => {
  const indices = call.operand("indices")
  const depth = call.number("depth")
  const on = call.number("onValue")
  const off = call.number("offValue")
  const dtype = call.has("dtype") ? call.text("dtype") : "float32"
  if (indices.dtype !== "int32" || (dtype !== "float32" && dtype !== "int32")) return undefined
  const shape = [...indices.shape, depth]
  return call.backend.record("OneHot", [indices], shape, dtype, `${on},${off}`, (l, node) => {
    const g = l.graph
    const classes = g.constant(`classes${depth}`, "int32", [depth], () =>
      Int32Array.from({ length: depth }, (_, i) => i),
    )
    const column = g.reshape(l.plain(node.inputs[0]), [...indices.shape, 1])
    const hit = g.emit("Equal", [column, classes])
    return plain(g.emit("Where", [hit, g.scalar(on, dtype), g.scalar(off, dtype)]))
  })
}

const gather: Kernel = (call) => {
  const x = call.operand("x")
  const indices = call.operand("indices")
  const rank = x.shape.length
  const axis = (call.number("axis") + rank) % rank
  const batchDims = call.has("batchDims") ? call.number("batchDims") : 0
  if (batchDims !== 0 || indices.dtype !== "int32") return undefined
  const shape = [...x.shape.slice(0, axis), ...indices.shape, ...x.shape.slice(axis + 1)]
  return call.backend.record("GatherV2", [x, indices], shape, x.dtype, String(axis), (l, node) => {
    const g = l.graph
    const index = l.plain(node.inputs[1])
    // ONNX counts negative indices from the end, where tfjs refuses them: an index that is refused here too
    const negative = g.emit("Less", [index, g.scalar(0, "int32")])
    const checked = g.emit("Where", [negative, g.scalar(2 ** 31 - 1, "int32"), index])
    return plain(g.emit("Gather", [l.plain(node.inputs[0]), checked], { axis }))
  })
}

/** Sums the rows of each segment as a product with the 0/1 matrix of membership; ids out of range are left out. */
const unsortedSegmentSum: Kernel = (call) => {
  const x = call.operand("x")
  const ids = call.operand("segmentIds")
  const segments = call.number("numSegments")
  if (x.dtype !== "float32" || ids.dtype !== "int32" || ids.shape.length !== 1) return undefined
  const rest = x.shape.slice(1)
  return call.backend.record(
    "UnsortedSegmentSum",
    [x, ids],
    [segments, ...rest],
    "float32",
    "",
    (l, node) => {
      const g = l.graph
      const [n] = ids.shape
      const labels = g.constant(`segments${segments}`, "int32", [segments, 1], () =>
        Int32Array.from({ length: segments }, (_, i) => i),
      )
      const member = g.emit("Cast", [g.emit("Equal", [labels, g.reshape(l.plain(node.inputs[1]), [1, n])])], {
        to: 1,
      })
      const rows = g.reshape(l.plain(node.inputs[0]), [n, sizeOf(rest)])
      return plain(g.reshape(g.gemm(member, rows), node.shape))
    },
  )
}

const prelu: Kernel = (call) => {
  const x = call.operand("x")
  const alpha = call.operand("alpha")
  if (x.dtype !== "float32" || alpha.shape.length > x.shape.length) return undefined
  return call.backend.record("Prelu", [x, alpha], x.shape, "float32", "", (l, node) => {
    const layout = commonLayout(l, node)
    const slope = broadcastOperand(l, node.inputs[1], x.shape.length, layout)
    return { name: l.graph.emit("PRelu", [l.as(node.inputs[0], layout), slope]), layout }
  })
}

/** Gradient of elu from its output y: dy where y ≥ 0, else dy · (y + 1). */
const eluGrad: Kernel = (call) => {
  const dy = call.operand("dy")
  const y = call.operand("y")
  return call.backend.record("EluGrad", [dy, y], y.shape, "float32", "", (l, node) => {
    const g = l.graph
    const layout = commonLayout(l, node)
    const [d, v] = node.inputs.map((input) => l.as(input, layout))
    const scaled = g.emit("Mul", [d, g.emit("Add", [v, g.scalar(1)])])
    return { name: g.emit("Where", [g.emit("GreaterOrEqual", [v, g.scalar(0)]), d, scaled]), layout }
  })
}

/** Operations that choose among elements. */
export const selectKernels: KernelTable = {
  Select: select,
  OneHot: oneHot,
  GatherV2: gather,
  UnsortedSegmentSum: unsortedSegmentSum,
  Prelu: prelu,
  EluGrad: eluGrad,
}
