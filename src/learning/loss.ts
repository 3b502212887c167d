import * as tf from "@tensorflow/tfjs"

/** Below this a probability's complement counts as this: a power of less has no finite derivative. */
const LEAST = 1e-7

/**
 * Cross-entropy of logits [rows, classes] against targets of the same shape (class weights, shares and smoothing are
 * in them), summed; with `gamma` > 0 the focal loss `−Σ t · (1 − p)^γ · log p` (Lin et al. 2017), which makes
 * little of what is already known.
 */
export const classificationLoss = (logits: tf.Tensor, targets: tf.Tensor, gamma: number): tf.Scalar => {
  const logP = tf.logSoftmax(logits)
  const weighted = tf.mul(targets, logP)
  if (gamma === 0) return tf.neg(tf.sum(weighted)).asScalar()
  const rest = tf.maximum(tf.sub(1, tf.exp(logP)), LEAST)
  return tf.neg(tf.sum(tf.mul(tf.exp(tf.mul(tf.log(rest), gamma)), weighted))).asScalar()
}

/** The same in float64 on the host. */
export const classificationLossOf = (
  logits: ArrayLike<number>,
  targets: ArrayLike<number>,
  classes: number,
  gamma = 0,
): number => {
  let loss = 0
  for (let row = 0; row < logits.length; row += classes) {
    let top = -Infinity
    for (let c = 0; c < classes; c++) top = Math.max(top, logits[row + c])
    let sum = 0
    for (let c = 0; c < classes; c++) sum += Math.exp(logits[row + c] - top)
    const norm = top + Math.log(sum)
    for (let c = 0; c < classes; c++) {
      const logP = logits[row + c] - norm
      const focus = gamma === 0 ? 1 : Math.max(-Math.expm1(logP), LEAST) ** gamma
      loss -= targets[row + c] * focus * logP
    }
  }
  return loss
}
