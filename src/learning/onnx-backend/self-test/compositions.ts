import * as tf from "@tensorflow/tfjs"
import { batchNormalize } from "../batch-normalization.ts"
import { real } from "./case.ts"

/** Operations that are lowered into one another, and their gradients with them. */
export interface Composition {
  readonly form: string
  readonly run: () => Array<tf.Tensor>
}

/** Value and gradients; those of a plain sum would be 0 behind a normalization, so each element has a weight. */
const gradients = (f: (...xs: Array<tf.Tensor>) => tf.Tensor, xs: Array<tf.Tensor>): Array<tf.Tensor> => {
  const weighted = (...args: Array<tf.Tensor>): tf.Tensor => {
    const y = f(...args)
    return tf.mul(y, real(y.shape, 99))
  }
  const { value, grads } = tf.valueAndGrads(weighted)(xs)
  return [value, ...grads]
}

const normalized = (x: tf.Tensor, scale: tf.Tensor, offset: tf.Tensor): tf.Tensor =>
  batchNormalize(x, scale, offset, 1e-3).y

/** What networks are made of: each is one case. */
export const compositions = (): Array<Composition> => {
  const map = (seed: number, channels = 4): tf.Tensor4D =>
    real([2, 4, 4, channels], seed).as4D(2, 4, 4, channels)
  const row = (seed: number, n = 4): tf.Tensor => real([n], seed, 0.5, 1)
  return [
    {
      form: "the end of a residual unit: batch normalization, sum, relu",
      run: () =>
        gradients((x, s, b, z) => tf.relu(tf.add(normalized(x, s, b), z)), [map(1), row(2), row(3), map(4)]),
    },
    {
      form: "batch normalization, relu, convolution",
      run: () => {
        const filter = real([3, 3, 4, 6], 5).as4D(3, 3, 4, 6)
        return gradients(
          (x, s, b) => tf.conv2d(tf.relu(normalized(x, s, b)).as4D(2, 4, 4, 4), filter, 1, "same"),
          [map(6), row(7), row(8)],
        )
      },
    },
    {
      form: "batch normalization of a channel concat",
      run: () =>
        gradients(
          (x, y, s, b) => normalized(tf.concat([x, y], 3), s, b),
          [map(9), map(10, 2), row(11, 6), row(12, 6)],
        ),
    },
    {
      form: "cross-entropy of a softmax",
      run: () =>
        gradients(
          (x) => {
            const target = tf.oneHot(tf.tensor1d([0, 2, 1], "int32"), 3)
            return tf.losses.softmaxCrossEntropy(target, x)
          },
          [real([3, 3], 13, 3)],
        ),
    },
  ]
}
