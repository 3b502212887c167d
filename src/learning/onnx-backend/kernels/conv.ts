import type { LazyNode } from "../lazy-node.ts"
import type { Lowered, Lowering } from "../lowering.ts"
import { convGeometry, geometryKey, type Geometry } from "./conv-geometry.ts"
import { lowerFilterGradient } from "./conv-filter-gradient.ts"
import { lowerInputGradient } from "./conv-input-gradient.ts"
import { channelsFirst, feature, flipped, strided } from "./conv-parts.ts"
import type { Kernel, KernelTable } from "./kernel.ts"
import { biasAndActivation } from "./matmul.ts"
import { ACTIVATIONS } from "./unary.ts"

/**
 * y = x ∗ w. The batch is treated as a third, unstrided spatial dimension of a single picture, so that channels can
 * stay outermost; a 1×1 window is a matrix product.
 */
function lowerConv(l: Lowering, node: LazyNode, c: Geometry): Lowered {
  const g = l.graph
  const x = l.as(node.inputs[0], "CNHW")
  const w = l.as(node.inputs[1], "OIHW")
  const shape = [c.co, c.n, c.oh, c.ow]
  if (c.kh === 1 && c.kw === 1 && c.top + c.left + c.bottom + c.right === 0) {
    const rows = g.reshape(strided(g, x, c), [c.ci, c.n * c.oh * c.ow])
    return feature(g.reshape(g.gemm(g.reshape(w, [c.co, c.ci]), rows), shape))
  }
  const unit = c.sh === 1 && c.sw === 1 && c.dh === 1 && c.dw === 1
  const padded = Math.max(c.top, c.bottom) < c.kh && Math.max(c.left, c.right) < c.kw
  if (unit && padded && c.co * 4 <= c.ci) {
    // few outputs: the transposed convolution's matrix product has the many inputs on its long side
    const pads = [c.kh - 1 - c.top, c.kw - 1 - c.left, c.kh - 1 - c.bottom, c.kw - 1 - c.right]
    const y = g.emit("ConvTranspose", [channelsFirst(g, x), flipped(g, w, c)], { pads })
    return feature(channelsFirst(g, y))
  }
  const y = g.emit(
    "Conv",
    [g.reshape(x, [1, c.ci, c.n, c.h, c.w]), g.reshape(w, [c.co, c.ci, 1, c.kh, c.kw])],
    {
      pads: [0, c.top, c.left, 0, c.bottom, c.right],
      strides: [1, c.sh, c.sw],
      dilations: [1, c.dh, c.dw],
      kernel_shape: [1, c.kh, c.kw],
    },
  )
  return feature(g.reshape(y, shape))
}

const conv2D: Kernel = (call) => {
  const x = call.operand("x")
  const filter = call.operand("filter")
  const c = convGeometry(call, x.shape, filter.shape)
  if (c === undefined || x.dtype !== "float32") return undefined
  return call.backend.record(
    "Conv2D",
    [x, filter],
    [c.n, c.oh, c.ow, c.co],
    "float32",
    geometryKey(c),
    (l, node) => lowerConv(l, node, c),
  )
}

const fusedConv2D: Kernel = (call) => {
  const activation = call.has("activation") ? call.text("activation") : "linear"
  if (activation !== "linear" && !(activation in ACTIVATIONS)) return undefined
  const y = conv2D(call)
  if (y === undefined || Array.isArray(y)) return undefined
  return biasAndActivation(call.backend, y, call.optional("bias"), activation)
}

const conv2DBackpropInput: Kernel = (call) => {
  const dy = call.operand("dy")
  const filter = call.operand("filter")
  const shape = call.numbers("inputShape")
  const c = convGeometry(call, shape, filter.shape)
  if (c === undefined || dy.dtype !== "float32") return undefined
  return call.backend.record(
    "Conv2DBackpropInput",
    [dy, filter],
    shape,
    "float32",
    geometryKey(c),
    (l, node) => lowerInputGradient(l, node, c),
  )
}

const conv2DBackpropFilter: Kernel = (call) => {
  const x = call.operand("x")
  const dy = call.operand("dy")
  const shape = call.numbers("filterShape")
  const c = convGeometry(call, x.shape, shape)
  if (c === undefined || dy.dtype !== "float32") return undefined
  return call.backend.record("Conv2DBackpropFilter", [x, dy], shape, "float32", geometryKey(c), (l, node) =>
    lowerFilterGradient(l, node, c),
  )
}

/** Two-dimensional convolutions and their gradients. */
export const convKernels: KernelTable = {
  Conv2D: conv2D,
  FusedConv2D: fusedConv2D,
  Conv2DBackpropInput: conv2DBackpropInput,
  Conv2DBackpropFilter: conv2DBackpropFilter,
}
