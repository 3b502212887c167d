import * as tf from "@tensorflow/tfjs"
import { batchNorm, connect, convolution, dense, relu } from "./layers.ts"
import { LAYERS, type NetworkSpec, SMALL_INPUT } from "./spec.ts"

/** Channels after a bottleneck block, as a multiple of those inside it. */
const EXPANSION = 4

/** The last normalisation of each block's residual branch, by name. */
export const isResidualNorm = (layer: string): boolean => /^stage\d+_block\d+_norm3$/.test(layer)

/**
 * ResNet with bottleneck blocks (He et al. 2016; the stride sits on the 3×3 convolution, as in torchvision). Inputs
 * above 64 pixels: stem 7×7 stride 2 and 3×3 max-pool stride 2; up to 64: stem 3×3, stride `stemStride`, and no pool. Stage s has
 * round(64 · 2^s · width) channels inside its blocks and four times that outside. Returns logits.
 */
export const resnet = (spec: NetworkSpec): tf.LayersModel => {
  const input = tf.input({ shape: [spec.size, spec.size, spec.channels], name: "input" })
  const inner = (stage: number): number => Math.max(1, Math.round(64 * 2 ** stage * spec.width))
  const small = spec.size <= SMALL_INPUT
  let x = convolution("stem_conv", inner(0), small ? 3 : 7, small ? spec.stemStride : 2, input)
  x = relu("stem_relu", batchNorm("stem_norm", x))
  if (!small)
    x = connect(tf.layers.maxPooling2d({ name: "stem_pool", poolSize: 3, strides: 2, padding: "same" }), x)
  for (const [stage, blocks] of spec.blocks.entries())
    for (let block = 1; block <= blocks; block++) {
      const name = `stage${stage + 1}_block${block}`
      const strides = stage > 0 && block === 1 ? 2 : 1
      const last = stage === spec.blocks.length - 1 && block === blocks
      const filters = inner(stage)
      let y = convolution(`${name}_conv1`, filters, 1, 1, x)
      y = relu(`${name}_relu1`, batchNorm(`${name}_norm1`, y))
      y = convolution(`${name}_conv2`, filters, 3, strides, y)
      y = relu(`${name}_relu2`, batchNorm(`${name}_norm2`, y))
      y = batchNorm(`${name}_norm3`, convolution(`${name}_conv3`, filters * EXPANSION, 1, 1, y))
      const shortcut =
        block === 1
          ? batchNorm(`${name}_norm0`, convolution(`${name}_conv0`, filters * EXPANSION, 1, strides, x))
          : x
      x = relu(
        last ? LAYERS.features : `${name}_out`,
        connect(tf.layers.add({ name: `${name}_add` }), [y, shortcut]),
      )
    }
  x = connect(tf.layers.globalAveragePooling2d({ name: LAYERS.embedding }), x)
  return tf.model({ name: "resnet", inputs: input, outputs: dense(LAYERS.logits, spec.classes, x) })
}
