import * as tf from "@tensorflow/tfjs"

/**
 * Total variation of each picture [N, H, W, C] → [N]: the mean length of its gradient (isotropic, Rudin, Osher &
 * Fatemi 1992; as a prior for such pictures Mahendran & Vedaldi 2015). It grows with grain, not with a few edges.
 */
export const totalVariation = (pictures: tf.Tensor): tf.Tensor => {
  const [n, h, w, c] = pictures.shape
  const body = tf.slice(pictures, [0, 0, 0, 0], [n, h - 1, w - 1, c])
  const down = tf.sub(tf.slice(pictures, [0, 1, 0, 0], [n, h - 1, w - 1, c]), body)
  const right = tf.sub(tf.slice(pictures, [0, 0, 1, 0], [n, h - 1, w - 1, c]), body)
  // The tiny number keeps the root's derivative finite where nothing changes.
  const lengths = tf.sqrt(tf.add(tf.add(tf.square(down), tf.square(right)), 1e-8))
  return tf.mean(tf.reshape(lengths, [n, -1]), 1)
}

/**
 * How alike the pictures of one objective are: for each picture the mean cosine between its Gram matrix (which
 * channels of `activations` [N, H, W, C] fire together) and those of the other pictures with the same `group`, [N]
 * (Olah et al. 2017, "Diversity"). Subtracted from the objective, it makes several pictures of one channel differ.
 */
export const similarity = (activations: tf.Tensor, groups: ReadonlyArray<number>): tf.Tensor => {
  const n = groups.length
  const channels = activations.shape.at(-1) ?? 1
  const flat = tf.reshape(activations, [n, -1, channels])
  const gram = tf.reshape(tf.matMul(flat, flat, true, false), [n, channels * channels])
  const unit = tf.div(gram, tf.add(tf.norm(gram, "euclidean", 1, true), 1e-9))
  const peers = groups.map((g) => groups.filter((other) => other === g).length - 1)
  const shares = groups.flatMap((g, i) =>
    groups.map((other, j) => (i !== j && g === other ? 1 / (peers[i] ?? 1) : 0)),
  )
  return tf.sum(tf.mul(tf.matMul(unit, unit, false, true), tf.tensor2d(shares, [n, n])), 1)
}
