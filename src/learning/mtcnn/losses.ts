import * as tf from "@tensorflow/tfjs"

/**
 * Online hard example mining: 1 for the `keep` largest losses [B] among the rows whose mask [B] is 1, else 0 (rows
 * with equal losses at the border are all kept). A row's rank is counted by comparing every pair, so that the
 * selection stays inside the graph; it is a constant to differentiation.
 */
export const hardExamples = (losses: tf.Tensor, mask: tf.Tensor, keep: number): tf.Tensor =>
  tf.customGrad(() => {
    const n = losses.size
    // Rows outside the mask rank behind all others, as losses are ≥ 0.
    const ranked = tf.sub(tf.mul(tf.add(losses, 1), mask), 1)
    const greater = tf.cast(tf.greater(tf.reshape(ranked, [1, n]), tf.reshape(ranked, [n, 1])), "float32")
    const value = tf.mul(tf.cast(tf.less(tf.sum(greater, 1), keep), "float32"), mask)
    return { value, gradFunc: (dy) => [tf.zerosLike(Array.isArray(dy) ? dy[0] : dy)] }
  })(losses)

/** Cross-entropy of each row: logits [B, C], one-hot or zero targets [B, C] → [B]. */
export const rowCrossEntropy = (logits: tf.Tensor, targets: tf.Tensor): tf.Tensor =>
  tf.neg(tf.sum(tf.mul(targets, tf.logSoftmax(logits)), 1))

/** Sum of squared differences over the columns, averaged over the rows whose mask [B, 1] is 1 (`rows` of them). */
export const maskedSquares = (
  output: tf.Tensor,
  target: tf.Tensor,
  mask: tf.Tensor,
  rows: number,
): tf.Tensor => tf.mul(tf.sum(tf.mul(tf.square(tf.sub(output, target)), mask)), 1 / Math.max(1, rows))
