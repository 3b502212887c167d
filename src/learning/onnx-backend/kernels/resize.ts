import type { GraphBuilder } from "../graph-builder.ts"
import { feature } from "./conv-parts.ts"
import type { Kernel, KernelCall, KernelTable } from "./kernel.ts"

/** One dimension of a resize as a [target, source] matrix: each row weighs the source elements of one result. */
type Weights = (target: number, source: number) => Float32Array

interface Mode {
  readonly alignCorners: boolean
  readonly halfPixelCenters: boolean
}

const modeOf = (call: KernelCall): Mode => ({
  alignCorners: call.flag("alignCorners"),
  halfPixelCenters: call.flag("halfPixelCenters"),
})

/** Source places per result place, as tfjs computes them. */
function ratio(target: number, source: number, { alignCorners }: Mode): number {
  return alignCorners && target > 1 ? (source - 1) / (target - 1) : source / target
}

const bilinear =
  (mode: Mode): Weights =>
  (target, source) => {
    const weights = new Float32Array(target * source)
    const step = ratio(target, source, mode)
    for (let i = 0; i < target; i++) {
      const place = mode.halfPixelCenters ? step * (i + 0.5) - 0.5 : step * i
      const low = Math.max(0, Math.floor(place))
      const high = Math.min(source - 1, Math.ceil(place))
      const fraction = place - low
      weights[i * source + low] += 1 - fraction
      weights[i * source + high] += fraction
    }
    return weights
  }

/** The source index of each result place. */
const nearestIndex = (target: number, source: number, mode: Mode): Array<number> =>
  Array.from({ length: target }, (_, i) => {
    const place = ratio(target, source, mode) * (mode.halfPixelCenters ? i + 0.5 : i)
    return Math.max(0, Math.min(source - 1, mode.alignCorners ? Math.round(place) : Math.floor(place)))
  })

const nearest =
  (mode: Mode): Weights =>
  (target, source) => {
    const weights = new Float32Array(target * source)
    nearestIndex(target, source, mode).forEach((j, i) => (weights[i * source + j] = 1))
    return weights
  }

/** The weights as a constant, transposed if asked. */
function matrix(
  g: GraphBuilder,
  key: string,
  weights: Weights,
  target: number,
  source: number,
  turned: boolean,
): string {
  const dims = turned ? [source, target] : [target, source]
  return g.constant(`resize${key},${target},${source},${turned}`, "float32", dims, () => {
    const rows = weights(target, source)
    if (!turned) return rows
    const out = new Float32Array(rows.length)
    for (let i = 0; i < target; i++)
      for (let j = 0; j < source; j++) out[j * target + i] = rows[i * source + j]
    return out
  })
}

const keyOf = (kind: string, mode: Mode): string => `${kind}${mode.alignCorners},${mode.halfPixelCenters}`

/** Resizing is linear and separable: rows times picture times columns. */
const forward =
  (kind: string, weightsOf: (mode: Mode) => Weights): Kernel =>
  (call) => {
    const images = call.operand("images")
    const [newHeight, newWidth] = call.numbers("size")
    const mode = modeOf(call)
    const [n, height, width, channels] = images.shape
    if (images.dtype !== "float32") return undefined
    const shape = [n, newHeight, newWidth, channels]
    const key = keyOf(kind, mode)
    return call.backend.record(call.name, [images], shape, "float32", key, (l, node) => {
      const g = l.graph
      const weights = weightsOf(mode)
      const x = g.reshape(l.as(node.inputs[0], "CNHW"), [channels * n * height, width])
      const wide = g.gemm(x, matrix(g, key, weights, newWidth, width, true))
      const rows = g.reshape(wide, [channels * n, height, newWidth])
      const y = g.emit("MatMul", [matrix(g, key, weights, newHeight, height, false), rows])
      return feature(g.reshape(y, [channels, n, newHeight, newWidth]))
    })
  }

/** The transposed map of {@link forward}; inputs images and dy. */
const gradient =
  (kind: string, weightsOf: (mode: Mode) => Weights): Kernel =>
  (call) => {
    const images = call.operand("images")
    const dy = call.operand("dy")
    const mode = modeOf(call)
    const [n, height, width, channels] = images.shape
    const [, newHeight, newWidth] = dy.shape
    const key = keyOf(kind, mode)
    return call.backend.record(call.name, [dy], images.shape, "float32", key, (l, node) => {
      const g = l.graph
      const weights = weightsOf(mode)
      const d = g.reshape(l.as(node.inputs[0], "CNHW"), [channels * n * newHeight, newWidth])
      const narrow = g.gemm(d, matrix(g, key, weights, newWidth, width, false))
      const rows = g.reshape(narrow, [channels * n, newHeight, width])
      const dx = g.emit("MatMul", [matrix(g, key, weights, newHeight, height, true), rows])
      return feature(g.reshape(dx, [channels, n, height, width]))
    })
  }

const nearestNeighbor: Kernel = (call) => {
  const images = call.operand("images")
  const [newHeight, newWidth] = call.numbers("size")
  const mode = modeOf(call)
  const [n, height, width, channels] = images.shape
  const shape = [n, newHeight, newWidth, channels]
  return call.backend.record(call.name, [images], shape, images.dtype, keyOf("nearest", mode), (l, node) => {
    const g = l.graph
    const rows = g.ints(nearestIndex(newHeight, height, mode))
    const columns = g.ints(nearestIndex(newWidth, width, mode))
    const tall = g.emit("Gather", [l.as(node.inputs[0], "CNHW"), rows], { axis: 2 })
    return feature(g.emit("Gather", [tall, columns], { axis: 3 }))
  })
}

/** Resizing of pictures [N, H, W, C] and its gradients. */
export const resizeKernels: KernelTable = {
  ResizeBilinear: forward("bilinear", bilinear),
  ResizeBilinearGrad: gradient("bilinear", bilinear),
  ResizeNearestNeighbor: nearestNeighbor,
  ResizeNearestNeighborGrad: gradient("nearest", nearest),
}
