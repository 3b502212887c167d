import * as tf from "@tensorflow/tfjs"
import { buildMtcnnNet, type MtcnnNet } from "./nets.ts"

/** Of `batchNorm` in networks/layers.ts. */
const EPSILON = 1e-5

/**
 * The plain network that gives the same outputs as one with batch normalisation in inference: scale and shift of each
 * normalisation go into the kernel and bias of the layer before it, `w·γ/√(σ² + ε)` and `(b − μ)·γ/√(σ² + ε) + β`.
 */
export const foldNormalisation = (net: MtcnnNet, normalised: tf.LayersModel): tf.LayersModel => {
  const plain = buildMtcnnNet(net)
  for (const layer of plain.layers) {
    const weights = normalised.getLayer(layer.name).getWeights()
    if (weights.length === 0) continue
    const norm = normalised.layers.find(
      ({ name }) => name === `norm${/^(?:conv|dense)(\d+)$/u.exec(layer.name)?.[1] ?? ""}`,
    )
    tf.tidy(() => {
      if (norm === undefined) {
        layer.setWeights(weights)
        return
      }
      const [kernel, bias] = weights
      const [gamma, beta, mean, variance] = norm.getWeights()
      const scale = tf.div(gamma, tf.sqrt(tf.add(variance, EPSILON)))
      // Output channels are the last axis of every kernel.
      layer.setWeights([tf.mul(kernel, scale), tf.add(tf.mul(tf.sub(bias, mean), scale), beta)])
    })
  }
  return plain
}
