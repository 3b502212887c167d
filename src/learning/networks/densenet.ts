import * as tf from "@tensorflow/tfjs"
import { batchNorm, connect, convolution, dense, relu } from "./layers.ts"
import { LAYERS, type NetworkSpec } from "./spec.ts"

/**
 * DenseNet without bottleneck and compression (Huang et al. 2017): a 3×3 convolution to 16 channels, three blocks
 * of (depth − 4) / 3 layers BN-ReLU-3×3 each adding `growth` channels to its input, BN-ReLU-1×1 and a 2×2 mean
 * between blocks, BN-ReLU, mean over the picture, fully connected. Returns logits.
 */
export const densenet = (spec: NetworkSpec): tf.LayersModel => {
  const input = tf.input({ shape: [spec.size, spec.size, spec.channels], name: "input" })
  const layers = (spec.depth - 4) / 3
  let channels = 16
  let x = convolution("stem_conv", channels, 3, 1, input)
  for (const block of [1, 2, 3]) {
    for (let layer = 1; layer <= layers; layer++) {
      const name = `block${block}_layer${layer}`
      const added = convolution(
        `${name}_conv`,
        spec.growth,
        3,
        1,
        relu(`${name}_relu`, batchNorm(`${name}_norm`, x)),
      )
      const last = layer === layers ? `block${block}_out` : `${name}_concat`
      x = connect(tf.layers.concatenate({ name: last }), [x, added])
      channels += spec.growth
    }
    if (block < 3) {
      const name = `transition${block}`
      x = convolution(`${name}_conv`, channels, 1, 1, relu(`${name}_relu`, batchNorm(`${name}_norm`, x)))
      x = connect(tf.layers.averagePooling2d({ name: `${name}_pool`, poolSize: 2, strides: 2 }), x)
    }
  }
  x = relu(LAYERS.features, batchNorm("features_norm", x))
  x = connect(tf.layers.globalAveragePooling2d({ name: LAYERS.embedding }), x)
  return tf.model({ name: "densenet", inputs: input, outputs: dense(LAYERS.logits, spec.classes, x) })
}
