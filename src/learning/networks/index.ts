import type * as tf from "@tensorflow/tfjs"
import { densenet } from "./densenet.ts"
import { initialise } from "./layers.ts"
import { isResidualNorm, resnet } from "./resnet.ts"
import { type NetworkOptions, networkSpec } from "./spec.ts"

export {
  LAYERS,
  type NetworkOptions,
  type NetworkSpec,
  NetworkSpecError,
  networkSpec,
  visualLayers,
} from "./spec.ts"

/**
 * A classifier with fresh weights: input [N, size, size, channels] normalised float32, output logits [N, classes].
 * Weights follow from `seed` and layer names alone. In a ResNet the last normalisation of each block starts at
 * scale 0, so that every block begins as the identity (Goyal et al. 2017): without it the loss of the deep network
 * first climbs at usual learning rates.
 * @throws NetworkSpecError when the options describe no network.
 */
export const buildNetwork = (options: NetworkOptions): tf.LayersModel => {
  const spec = networkSpec(options)
  const model = spec.name === "densenet" ? densenet(spec) : resnet(spec)
  initialise(model, spec.seed, isResidualNorm)
  return model
}

/** Number of trainable values, as PyTorch counts parameters (running averages apart). */
export const countParameters = (model: tf.LayersModel): number =>
  model.trainableWeights.reduce((sum, w) => sum + w.shape.reduce<number>((n, d) => n * (d ?? 1), 1), 0)
