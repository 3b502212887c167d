import type { GraphBuilder } from "../graph-builder.ts"
import type { LazyNode } from "../lazy-node.ts"
import { physicalShape, sizeOf } from "../layout.ts"
import { plain, type Lowered, type Lowering } from "../lowering.ts"
import { applyAffine, type Affine } from "./affine.ts"
import { batchStatistics, rowProducts } from "./batch-statistics.ts"
import type { Kernel, KernelTable } from "./kernel.ts"
import { noteAffine, noteSum } from "./fusion.ts"

/**
 * Names of the kernels of training-mode batch normalization; tfjs has none, so that these exist only on this backend.
 */
export const BATCH_MEAN = "OnnxBatchMean"
export const BATCH_VARIANCE = "OnnxBatchVariance"
export const BATCH_PRODUCT = "OnnxBatchProduct"
export const BATCH_INPUT_GRADIENT = "OnnxBatchInputGradient"

const inverseDeviation = (g: GraphBuilder, variance: string, epsilon: number): string =>
  g.emit("Reciprocal", [g.emit("Sqrt", [g.emit("Add", [variance, g.scalar(epsilon)])])])

const columnsOf = (node: LazyNode): number => sizeOf(node.shape) / node.shape[3]

/** A feature map [C, M] back in its own shape, channels outermost. */
const asFeature = (g: GraphBuilder, rows: string, shape: ReadonlyArray<number>): Lowered => ({
  name: g.reshape(rows, physicalShape(shape, "CNHW")),
  layout: "CNHW",
})

/** (x − mean) / √(variance + ε) · scale + offset, with one value per channel for each of the four. */
const fusedBatchNorm: Kernel = (call) => {
  const x = call.operand("x")
  const offset = call.optional("offset")
  const scale = call.optional("scale")
  const epsilon = call.has("varianceEpsilon") ? call.number("varianceEpsilon") : 0.001
  const optional = [offset, scale].filter((t) => t !== undefined)
  const inputs = [x, call.operand("mean"), call.operand("variance"), ...optional]
  const channels = x.shape[x.shape.length - 1]
  if (x.shape.length !== 4 || inputs.slice(1).some((t) => t.shape.length !== 1 || t.shape[0] !== channels)) {
    return undefined
  }
  const key = `${epsilon},${offset !== undefined},${scale !== undefined}`
  return call.backend.record("FusedBatchNorm", inputs, x.shape, "float32", key, (l, node) => {
    const g = l.graph
    const [mean, variance, third, fourth] = node.inputs.slice(1).map((input) => l.plain(input))
    const beta = offset === undefined ? undefined : third
    const gamma = scale === undefined ? undefined : offset === undefined ? third : fourth
    const inverse = inverseDeviation(g, variance, epsilon)
    const a = gamma === undefined ? inverse : g.emit("Mul", [inverse, gamma])
    const shift = g.emit("Mul", [mean, a])
    const b = beta === undefined ? g.emit("Neg", [shift]) : g.emit("Sub", [beta, shift])
    const rows = l.channelRows(node.inputs[0])
    const affine: Affine = { rows, scale: a, offset: b, channels, columns: columnsOf(node) }
    noteAffine(l, node, affine)
    return asFeature(g, applyAffine(g, affine), node.shape)
  })
}

const batchMean: Kernel = (call) => {
  const x = call.operand("x")
  return call.backend.record(BATCH_MEAN, [x], [x.shape[3]], "float32", "", (l, node) =>
    plain(batchStatistics(l, node.inputs[0]).mean),
  )
}

const batchVariance: Kernel = (call) => {
  const x = call.operand("x")
  return call.backend.record(BATCH_VARIANCE, [x], [x.shape[3]], "float32", "", (l, node) =>
    plain(batchStatistics(l, node.inputs[0]).variance),
  )
}

/** Σ dy · (x − mean) / √(variance + ε): the gradient of the scale. Inputs x, dy, mean, variance, Σ dy. */
const batchProduct: Kernel = (call) => {
  const x = call.operand("x")
  const inputs = [x, ...["dy", "mean", "variance", "sum"].map((key) => call.operand(key))]
  const epsilon = call.number("epsilon")
  const channels = x.shape[3]
  return call.backend.record(BATCH_PRODUCT, inputs, [channels], "float32", String(epsilon), (l, node) => {
    const g = l.graph
    const [xNode, dy, mean, variance, sum] = node.inputs
    const product = rowProducts(g, l.channelRows(xNode), l.channelRows(dy), channels, columnsOf(xNode))
    const centred = g.emit("Sub", [product, g.emit("Mul", [l.plain(mean), l.plain(sum)])])
    return plain(g.emit("Mul", [centred, inverseDeviation(g, l.plain(variance), epsilon)]))
  })
}

/**
 * Gradient of training-mode batch normalization with respect to x, as a · dy + b · x + c with one a, b, c per
 * channel: with s = 1/√(variance + ε), a = scale · s, b = −a · s · dScale / M, c = −a · dOffset / M − b · mean
 * (S. Ioffe, C. Szegedy, Batch Normalization, 2015, section 3, with the terms gathered).
 */
function lowerInputGradient(l: Lowering, node: LazyNode, epsilon: number): Lowered {
  const g = l.graph
  const [xNode, dyNode, ...vectors] = node.inputs
  const [mean, variance, scale, dOffset, dScale] = vectors.map((input) => l.plain(input))
  const channels = node.shape[3]
  const columns = columnsOf(node)
  const s = inverseDeviation(g, variance, epsilon)
  const share = g.scalar(-1 / columns)
  const a = g.emit("Mul", [s, scale])
  const b = g.emit("Mul", [g.emit("Mul", [g.emit("Mul", [a, s]), dScale]), share])
  const c = g.emit("Sub", [g.emit("Mul", [g.emit("Mul", [a, dOffset]), share]), g.emit("Mul", [b, mean])])
  const ofX: Affine = { rows: l.channelRows(xNode), scale: b, offset: c, channels, columns }
  const none = g.constant(`zeros${channels}`, "float32", [channels], () => new Float32Array(channels))
  const ofDy: Affine = { rows: l.channelRows(dyNode), scale: a, offset: none, channels, columns }
  const sum = (addend?: string): Lowered =>
    asFeature(g, applyAffine(g, ofDy, undefined, applyAffine(g, ofX, undefined, addend)), node.shape)
  noteSum(l, node, (addend) => sum(l.channelRows(addend)))
  return sum()
}

const batchInputGradient: Kernel = (call) => {
  const x = call.operand("x")
  const keys = ["dy", "mean", "variance", "scale", "dOffset", "dScale"]
  const inputs = [x, ...keys.map((key) => call.operand(key))]
  const epsilon = call.number("epsilon")
  return call.backend.record(BATCH_INPUT_GRADIENT, inputs, x.shape, "float32", String(epsilon), (l, node) =>
    lowerInputGradient(l, node, epsilon),
  )
}

/** Batch normalization: with given statistics, and the parts of its training mode. */
export const batchNormKernels: KernelTable = {
  FusedBatchNorm: fusedBatchNorm,
  [BATCH_MEAN]: batchMean,
  [BATCH_VARIANCE]: batchVariance,
  [BATCH_PRODUCT]: batchProduct,
  [BATCH_INPUT_GRADIENT]: batchInputGradient,
}
