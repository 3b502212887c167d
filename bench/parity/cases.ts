import * as tf from "@tensorflow/tfjs"
import { batchTargets } from "../../src/learning/dataset.ts"
import { buildNetwork, type NetworkOptions, networkSpec } from "../../src/learning/networks/index.ts"
import { isResidualNorm } from "../../src/learning/networks/resnet.ts"
import { randomOf } from "../../src/learning/random.ts"

/**
 * Where the scales and shifts of normalisations start. `fresh`: as `buildNetwork` leaves them, the last scale of each
 * residual block at 0. `ones`: all scales at 1. `spread`: scales, shifts and running statistics
 * around those values, so that no gradient is 0 by accident. `calm`: the
 * same, the last scale of each residual block a tenth of that: a deep network whose gradients rounding does not blow up.
 */
export type Start = "fresh" | "ones" | "spread" | "calm"

/** Pictures [batches][batch, size, size, channels], normalised, and their classes. */
export interface Data {
  readonly x: Float32Array
  readonly labels: Int32Array
  readonly batches: number
  readonly batch: number
}

/** One training that both sides run. */
export interface Case {
  readonly network: NetworkOptions
  readonly start: Start
  readonly data: Data
  /** Learning rate of each step. */
  readonly rates: ReadonlyArray<number>
  readonly momentum: number
  readonly nesterov: boolean
  readonly l2: number
  readonly labelSmoothing: number
}

export type Weights = ReadonlyMap<
  string,
  { readonly shape: ReadonlyArray<number>; readonly values: Float32Array }
>

/** What `spread` spreads. */
const RANGES: { readonly [name: string]: readonly [number, number] } = {
  gamma: [0.5, 1.5],
  beta: [-0.2, 0.2],
  moving_mean: [-0.2, 0.2],
  moving_variance: [0.5, 1.5],
}

/** The start weights of a case, by layer and name. */
export const startWeights = (network: NetworkOptions, start: Start): Weights => {
  const model = buildNetwork(network)
  const weights = new Map<string, { shape: ReadonlyArray<number>; values: Float32Array }>()
  for (const layer of model.layers) {
    const values = layer.getWeights()
    for (const [i, weight] of layer.weights.entries()) {
      const name = weight.originalName
      const data = Float32Array.from(values[i].dataSync())
      const random = randomOf("parity", name)
      const range =
        start === "spread" || start === "calm" ? RANGES[name.slice(name.lastIndexOf("/") + 1)] : undefined
      if (range !== undefined)
        data.forEach((_, k) => (data[k] = range[0] + (range[1] - range[0]) * random.uniform()))
      if (start === "calm" && name.endsWith("/gamma") && isResidualNorm(layer.name))
        data.forEach((v, k) => (data[k] = v / 10))
      if (start === "ones" && name.endsWith("/gamma") && isResidualNorm(layer.name)) data.fill(1)
      weights.set(name, { shape: values[i].shape, values: data })
    }
  }
  model.dispose()
  return weights
}

/** Normal noise for pictures, classes in turn. */
export const randomData = (network: NetworkOptions, batches: number, batch: number): Data => {
  const { size, channels, classes } = networkSpec(network)
  const random = randomOf("parity", "data")
  return {
    x: Float32Array.from({ length: batches * batch * size * size * channels }, () => random.normal()),
    labels: Int32Array.from({ length: batches * batch }, (_, i) => (i * 5) % classes),
    batches,
    batch,
  }
}

/** Pictures and targets of step `step` as tensors; the batches take turns. */
export const batchOf = (
  { network, data, labelSmoothing }: Case,
  step: number,
): [tf.Tensor4D, tf.Tensor2D] => {
  const { size, channels, classes } = networkSpec(network)
  const b = step % data.batches
  const each = data.batch * size * size * channels
  const labels = data.labels.subarray(b * data.batch, (b + 1) * data.batch)
  const all = Uint32Array.from(labels.keys())
  const even = Array.from({ length: classes }, () => 1)
  return [
    tf.tensor4d(data.x.subarray(b * each, (b + 1) * each), [data.batch, size, size, channels]),
    tf.tensor2d(batchTargets(labels, all, even, labelSmoothing), [data.batch, classes]),
  ]
}
