import * as tf from "@tensorflow/tfjs"

/**
 * (x − mean) / √(variance + ε) · scale + shift over all axes but the last, with the gradient written out: x's
 * through the statistics too, as `g·(dy − mean(dy) − x̂·mean(dy·x̂)) / σ` (Ioffe & Szegedy 2015, section 3). tfjs
 * would derive it operation by operation in about twice the passes over the data. Everything is affine in x and dy,
 * so that nothing of x's size but x itself is kept for the way back. The variance is that of centred values:
 * E[x²] − mean² would lose digits where the mean is large.
 */
const normaliseBatch = (
  x: tf.Tensor,
  scale: tf.Tensor,
  shift: tf.Tensor,
  epsilon: number,
): { readonly y: tf.Tensor; readonly mean: tf.Tensor; readonly variance: tf.Tensor } => {
  const axes = x.shape.slice(0, -1).map((_, axis) => axis)
  const share = x.shape[x.rank - 1] / x.size
  const mean = tf.mean(x, axes)
  const variance = tf.mean(tf.square(tf.sub(x, mean)), axes)
  const y = tf.customGrad((...inputs) => {
    const inverse = tf.rsqrt(tf.add(variance, epsilon))
    const slope = tf.mul(inverse, scale)
    const save = inputs.at(-1)
    if (typeof save === "function") save([x, mean, inverse, slope])
    return {
      value: tf.add(tf.mul(x, slope), tf.sub(shift, tf.mul(mean, slope))),
      gradFunc: (upstream, saved) => {
        const dy = Array.isArray(upstream) ? upstream[0] : upstream
        const [input, centre, inv, a] = saved
        const dShift = tf.sum(dy, axes)
        const dScale = tf.mul(tf.sub(tf.sum(tf.mul(dy, input), axes), tf.mul(centre, dShift)), inv)
        const b = tf.mul(tf.mul(tf.mul(a, inv), dScale), -share)
        const c = tf.sub(tf.mul(tf.mul(a, dShift), -share), tf.mul(b, centre))
        return [tf.add(tf.add(tf.mul(dy, a), tf.mul(input, b)), c), dScale, dShift]
      },
    }
  })(x, scale, shift)
  return { y, mean, variance }
}

/**
 * Batch normalisation with PyTorch's constants (ε 1e-5; running averages move by 0.1 a step): the defaults of
 * Keras (1e-3, 0.01) need thousands of steps before inference agrees with training. It is tfjs's own layer, saved
 * and loaded as such, with a faster way through training.
 */
export const batchNormLayer = (name: string): tf.layers.Layer => {
  const [epsilon, momentum] = [1e-5, 0.9]
  const layer = tf.layers.batchNormalization({ name, epsilon, momentum })
  const infer = layer.call.bind(layer)
  layer.call = (inputs, kwargs) => {
    if (kwargs["training"] !== true) return infer(inputs, kwargs)
    return tf.tidy(() => {
      const x = Array.isArray(inputs) ? inputs[0] : inputs
      const [scale, shift, runningMean, runningVariance] = layer.weights
      const { y, mean, variance } = normaliseBatch(x, scale.read(), shift.read(), epsilon)
      for (const [average, now] of [
        [runningMean, mean],
        [runningVariance, variance],
      ] as const)
        average.write(tf.add(tf.mul(average.read(), momentum), tf.mul(now, 1 - momentum)))
      return y
    })
  }
  return layer
}
