import * as tf from "@tensorflow/tfjs"
import { randomOf } from "../random.ts"

/** A layer applied to symbolic inputs gives one symbolic output; says so to the type system, checked. */
export const connect = (
  layer: tf.layers.Layer,
  input: tf.SymbolicTensor | Array<tf.SymbolicTensor>,
): tf.SymbolicTensor => {
  const output = layer.apply(input)
  if (output instanceof tf.SymbolicTensor) return output
  throw new TypeError(`layer ${layer.name} gave no single symbolic output`)
}

/**
 * Convolution without bias, "same" padding. tfjs pads an even input of a strided convolution at the bottom and
 * right only (as TensorFlow does), where PyTorch pads all sides.
 */
export const convolution = (
  name: string,
  filters: number,
  kernelSize: number,
  strides: number,
  x: tf.SymbolicTensor,
): tf.SymbolicTensor =>
  connect(
    tf.layers.conv2d({
      name,
      filters,
      kernelSize,
      strides,
      padding: "same",
      useBias: false,
      kernelInitializer: "zeros",
    }),
    x,
  )

/**
 * Batch normalisation with PyTorch's constants (ε 1e-5; running averages move by 0.1 a step): the defaults of
 * Keras (1e-3, 0.01) need thousands of steps before inference agrees with training.
 */
export const batchNorm = (name: string, x: tf.SymbolicTensor): tf.SymbolicTensor =>
  connect(tf.layers.batchNormalization({ name, epsilon: 1e-5, momentum: 0.9 }), x)

export const relu = (name: string, x: tf.SymbolicTensor): tf.SymbolicTensor =>
  connect(tf.layers.reLU({ name }), x)

/** Fully connected layer with bias and no activation. */
export const dense = (name: string, units: number, x: tf.SymbolicTensor): tf.SymbolicTensor =>
  connect(tf.layers.dense({ name, units, kernelInitializer: "zeros" }), x)

/**
 * Give every kernel its start values: normal with variance `2 / fan_in` (He et al. 2015) for convolutions and
 * `1 / fan_in` for fully connected layers, from a generator keyed by (seed, layer name). Batch normalisation starts
 * at scale 1 (0 for the layers in `zeroScale`) and shift 0; biases at 0.
 */
export const initialise = (
  model: tf.LayersModel,
  seed: number,
  zeroScale: (layer: string) => boolean,
): void => {
  for (const layer of model.layers) {
    const weights = layer.getWeights()
    const [kernel] = weights
    if (kernel === undefined) continue
    if (kernel.rank === 1) {
      if (zeroScale(layer.name)) tf.tidy(() => layer.setWeights([tf.zerosLike(kernel), ...weights.slice(1)]))
      continue
    }
    const fanIn = kernel.size / kernel.shape[kernel.rank - 1]
    const deviation = Math.sqrt((kernel.rank === 4 ? 2 : 1) / fanIn)
    const random = randomOf("initialise", seed, layer.name)
    const values = Float32Array.from({ length: kernel.size }, () => deviation * random.normal())
    tf.tidy(() => layer.setWeights([tf.tensor(values, kernel.shape), ...weights.slice(1)]))
  }
}
