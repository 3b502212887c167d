import * as tf from "@tensorflow/tfjs"
import fc from "fast-check"
import {
  BATCH_INPUT_GRADIENT,
  BATCH_MEAN,
  BATCH_PRODUCT,
  BATCH_VARIANCE,
} from "../../../../src/learning/onnx-backend/kernels/batch-norm.ts"
import { type Call, type Dtype, type Law, make, type Operand, operand, transposed } from "./law.ts"

const side = fc.integer({ min: 1, max: 7 })
const small = fc.integer({ min: 1, max: 3 })
const modes = fc.constantFrom(
  { alignCorners: false, halfPixelCenters: false },
  { alignCorners: true, halfPixelCenters: false },
  { alignCorners: false, halfPixelCenters: true },
)
const sizes = fc.record({
  n: small,
  h: side,
  w: side,
  c: small,
  newHeight: side,
  newWidth: side,
  mode: modes,
})

const resize = (types: ReadonlyArray<Dtype>): Law => ({
  calls: fc
    .tuple(sizes, fc.constantFrom(...types))
    .chain(([{ n, h, w, c, newHeight, newWidth, mode }, dtype]) =>
      fc.record({
        inputs: fc.record({ images: operand([n, h, w, c], { dtype }) }),
        attrs: fc.constant({ ...mode, size: [newHeight, newWidth] }),
      }),
    ),
})

/** tfjs' cpu kernels are wrong for half-pixel centres, oblong pictures and nearest neighbours. */
const resizeGradient = (forward: string): Law => ({
  calls: sizes.chain(({ n, h, w, c, newHeight, newWidth, mode }) =>
    fc.record({
      inputs: fc.record({ images: operand([n, h, w, c]), dy: operand([n, newHeight, newWidth, c]) }),
      attrs: fc.constant(mode),
    }),
  ),
  expected: ({ inputs, attrs }) => {
    const [images, dy] = Object.values(inputs)
    const map = (x: tf.Tensor): tf.Tensor =>
      tf.engine().runKernel<tf.Tensor>(forward, { images: x }, { ...attrs, size: dy.shape.slice(1, 3) })
    return [transposed(map, images.shape, make(dy))]
  },
})

export const resizeLaws: { readonly [name: string]: Law } = {
  ResizeBilinear: resize(["float32"]),
  ResizeNearestNeighbor: resize(["float32", "int32"]),
  ResizeBilinearGrad: resizeGradient("ResizeBilinear"),
  ResizeNearestNeighborGrad: resizeGradient("ResizeNearestNeighbor"),
}

/** A feature map with up to five channels. */
const maps = fc.tuple(small, side, side, fc.integer({ min: 1, max: 5 }))

/** The values of each channel, in float64. */
function channels(o: Operand): Array<Array<number>> {
  const c = o.shape[3]
  const values = Array.from(make(o).dataSync())
  return Array.from({ length: c }, (_, k) => values.filter((_, i) => i % c === k))
}
const mean = (v: ReadonlyArray<number>): number => v.reduce((a, b) => a + b, 0) / v.length
const variance = (v: ReadonlyArray<number>): number => mean(v.map((x) => (x - mean(v)) ** 2))
const numbers = (o: Operand): Array<number> => Array.from(make(o).dataSync())

const statistic = (of: (v: ReadonlyArray<number>) => number): Law => ({
  each: true,
  calls: maps.chain((shape) =>
    fc.record({ inputs: fc.record({ x: operand(shape) }), attrs: fc.constant({}) }),
  ),
  expected: (call) => [tf.tensor(channels(Object.values(call.inputs)[0]).map(of))],
})

const vector = (c: number, positive = false): fc.Arbitrary<Operand> =>
  operand([c], positive ? { domain: "positive" } : {})

/** Inputs of the gradients: any vectors, not only those that belong to x and dy. */
const gradientCalls = (keys: ReadonlyArray<string>): fc.Arbitrary<Call> =>
  maps.chain((shape) =>
    fc.record({
      inputs: fc.record({
        x: operand(shape),
        dy: operand(shape),
        ...Object.fromEntries(keys.map((key) => [key, vector(shape[3], key === "variance")])),
      }),
      attrs: fc.record({ epsilon: fc.constantFrom(1e-3, 0.1) }),
    }),
  )

/** The formulas of S. Ioffe and C. Szegedy, Batch Normalization, 2015, section 3, in float64. */
export const batchNormLaws: { readonly [name: string]: Law } = {
  FusedBatchNorm: {
    calls: maps.chain((shape) =>
      fc
        .record({
          x: operand(shape),
          mean: vector(shape[3]),
          variance: vector(shape[3], true),
          offset: vector(shape[3]),
          scale: vector(shape[3]),
          present: fc.nat(3),
          varianceEpsilon: fc.constantFrom(1e-3, 0.1),
        })
        .map(({ x, mean, variance, offset, scale, present, varianceEpsilon }) => ({
          inputs: {
            x,
            ...(present & 1 ? { scale } : {}),
            ...(present & 2 ? { offset } : {}),
            mean,
            variance,
          },
          attrs: { varianceEpsilon },
        })),
    ),
  },
  [BATCH_MEAN]: statistic(mean),
  [BATCH_VARIANCE]: statistic(variance),
  [BATCH_PRODUCT]: {
    calls: gradientCalls(["mean", "variance", "sum"]),
    expected: ({ inputs, attrs }) => {
      const [x, dy, m, v, sum] = Object.values(inputs)
      const [xs, ds] = [channels(x), channels(dy)]
      const [means, variances, sums] = [m, v, sum].map(numbers)
      const product = xs.map((values, c) => {
        const raw = values.reduce((total, value, i) => total + value * ds[c][i], 0)
        return (raw - means[c] * sums[c]) / Math.sqrt(variances[c] + Number(attrs["epsilon"]))
      })
      return [tf.tensor(product)]
    },
  },
  [BATCH_INPUT_GRADIENT]: {
    calls: gradientCalls(["mean", "variance", "scale", "dOffset", "dScale"]),
    expected: ({ inputs, attrs }) => {
      const [x, dy, ...vectors] = Object.values(inputs)
      const [means, variances, scale, dOffset, dScale] = vectors.map(numbers)
      const c = x.shape[3]
      const [xs, ds] = [x, dy].map(numbers)
      const m = xs.length / c
      const out = xs.map((value, i) => {
        const k = i % c
        const s = 1 / Math.sqrt(variances[k] + Number(attrs["epsilon"]))
        const hat = (value - means[k]) * s
        return scale[k] * s * (ds[i] - dOffset[k] / m - (hat * dScale[k]) / m)
      })
      return [tf.tensor(out, [...x.shape])]
    },
  },
}
