import * as tf from "@tensorflow/tfjs"
import { flush } from "../backend.ts"
import { execute, outputOf } from "../executor.ts"
import { type Images, imageSize } from "../images.ts"
import { LAYERS } from "../networks/spec.ts"
import { normalise, type Preprocessing, SOFTENING } from "../preprocess.ts"

/**
 * What a picture is to excite: the logit of a class; a channel of a layer, averaged over the picture; or a whole
 * layer, by the mean of its squares (what DeepDream climbs, Mordvintsev et al. 2015).
 */
export type Objective =
  | { readonly kind: "class"; readonly index: number }
  | { readonly kind: "channel"; readonly layer: string; readonly index: number }
  | { readonly kind: "layer"; readonly layer: string }

/** An objective that the model has not got, or that cannot be climbed. */
export class FeatureError extends Error {
  readonly _tag = "FeatureError"
  override readonly name = "FeatureError"
}

/** The layer whose output an objective is about. */
export const layerOf = (objective: Objective): string =>
  objective.kind === "class" ? LAYERS.logits : objective.layer

/** @throws FeatureError for a layer or channel that the model has not got. */
export const checkObjective = (model: tf.LayersModel, objective: Objective): void => {
  const layer = layerOf(objective)
  if (!model.layers.some(({ name }) => name === layer))
    throw new FeatureError(
      `the model has no layer "${layer}"; it has ${model.layers.map((l) => l.name).join(", ")}`,
    )
  if (objective.kind === "layer") return
  const channels = outputOf(model, layer).shape.at(-1) ?? 0
  if (!Number.isInteger(objective.index) || objective.index < 0 || objective.index >= channels)
    throw new FeatureError(`layer "${layer}" has ${channels} channels, there is no ${objective.index}`)
}

/**
 * Pixels in [0, 1] → network input, as `normalise` does it, differentiably. Where each picture is normalised by its
 * own statistics, so is this: contrast then excites nothing, only what is drawn does.
 */
export const networkInput = (pixels: tf.Tensor, preprocessing: Preprocessing): tf.Tensor => {
  if (preprocessing.perPicture === true) {
    const centred = tf.sub(pixels, tf.mean(pixels, [1, 2, 3], true))
    // The tiny number keeps the root's derivative finite on a flat picture.
    const deviation = tf.sqrt(tf.add(tf.mean(tf.square(centred), [1, 2, 3], true), 1e-12))
    return tf.div(centred, tf.add(deviation, SOFTENING))
  }
  const channels = preprocessing.mean.length
  const mean = tf.tensor4d([...preprocessing.mean], [1, 1, 1, channels])
  const inverse = tf.tensor4d(
    preprocessing.std.map((s) => 1 / s),
    [1, 1, 1, channels],
  )
  return tf.mul(tf.sub(pixels, mean), inverse)
}

/** [N, …, C] → [N, C], averaged over what lies between. */
const overPlaces = (t: tf.Tensor): tf.Tensor =>
  t.rank <= 2
    ? t
    : tf.mean(
        t,
        Array.from({ length: t.rank - 2 }, (_, i) => i + 1),
      )

/** How much of each objective (all of one layer) the layer's outputs [N, …, C] have, [N, M]. */
export const responses = (output: tf.Tensor, objectives: ReadonlyArray<Objective>): tf.Tensor => {
  const [channels, columns] = [output.shape.at(-1) ?? 0, objectives.length]
  const picks = new Float32Array(channels * columns)
  for (const [m, objective] of objectives.entries())
    if (objective.kind !== "layer") picks[objective.index * columns + m] = 1
  const linear = tf.matMul(overPlaces(output), tf.tensor2d(picks, [channels, columns]))
  if (objectives.every(({ kind }) => kind !== "layer")) return linear
  const energy = tf.mean(overPlaces(tf.square(output)), 1, true)
  const whole = objectives.map(({ kind }) => (kind === "layer" ? 1 : 0))
  return tf.add(linear, tf.mul(energy, tf.tensor2d(whole, [1, columns])))
}

/**
 * What pictures of a data set give for objectives, as the network sees them: the measure beside which an optimized
 * picture's value means something. [pictures × objectives], row major.
 * @throws FeatureError for a layer or channel that isn't there.
 */
export const measureObjectives = (
  model: tf.LayersModel,
  preprocessing: Preprocessing,
  images: Images,
  objectives: ReadonlyArray<Objective>,
  batchSize = 64,
): Float32Array => {
  for (const objective of objectives) checkObjective(model, objective)
  const layers = [...new Set(objectives.map(layerOf))]
  const columns = objectives.length
  const result = new Float32Array(images.count * columns)
  const size = imageSize(images)
  for (let start = 0; start < images.count; start += batchSize) {
    const count = Math.min(batchSize, images.count - start)
    // Always full batches, so that a tracing backend compiles once.
    const pixels = new Uint8Array(batchSize * size)
    pixels.set(images.data.subarray(start * size, (start + count) * size))
    const values = normalise({ ...images, data: pixels, count: batchSize }, preprocessing)
    tf.tidy(() => {
      const input = tf.tensor4d(values, [batchSize, images.height, images.width, images.channels])
      const outputs = execute({
        feeds: [[model.inputs[0], input]],
        fetch: layers.map((layer) => outputOf(model, layer)),
      })
      const tables = layers.map((layer, l) => {
        const own = objectives.filter((objective) => layerOf(objective) === layer)
        return responses(outputs[l], own)
      })
      flush()
      for (const [l, layer] of layers.entries()) {
        const places = objectives.flatMap((objective, m) => (layerOf(objective) === layer ? [m] : []))
        const table = tables[l].dataSync()
        for (let i = 0; i < count; i++)
          for (const [k, m] of places.entries())
            result[(start + i) * columns + m] = table[i * places.length + k]
      }
    })
  }
  return result
}
