import * as tf from "@tensorflow/tfjs"
import { setImmediate } from "node:timers/promises"
import { flush } from "../backend.ts"
import { execute, outputOf } from "../executor.ts"
import { type Images, imagesOf } from "../images.ts"
import { LAYERS } from "../networks/spec.ts"
import type { Preprocessing } from "../preprocess.ts"
import { randomOf } from "../random.ts"
import { spectralPictures } from "./fourier.ts"
import { randomView, warp } from "./warp.ts"

/** What a picture is to excite: the logit of a class, or a channel of a layer, averaged over the picture. */
export type Objective =
  | { readonly kind: "class"; readonly index: number }
  | { readonly kind: "channel"; readonly layer: string; readonly index: number }

export interface FeatureOptions {
  readonly model: tf.LayersModel
  readonly preprocessing: Preprocessing
  /** One picture is made for each; all are optimized together. */
  readonly objectives: ReadonlyArray<Objective>
  /** Default 512, as published; 128 already show the gist. */
  readonly steps?: number | undefined
  /** Adam's rate. Default 0.05, as published. */
  readonly learningRate?: number | undefined
  readonly seed?: number | undefined
  /** Called now and then with the steps done and the mean objective. */
  readonly onProgress?: ((step: number, objective: number) => void | Promise<void>) | undefined
  readonly signal?: AbortSignal | undefined
}

export interface FeaturePictures {
  /** One for each objective, of the model's input size and channels. */
  readonly images: Images
  /** What each objective had at the end, on the picture as it is returned. */
  readonly values: ReadonlyArray<number>
}

/** An objective the model hasn't got. */
export class FeatureError extends Error {
  readonly _tag = "FeatureError"
  override readonly name = "FeatureError"
}

/** Grey that surrounds the picture when it is shifted and turned. */
const OUTSIDE = 0.5

/**
 * Share of the rate at a share of the steps: full until the middle, then half a cosine to 0. Adam moves every
 * frequency by about its rate whether or not it matters; at a constant rate that stays in the picture as grain.
 */
const annealing = (share: number): number => (share < 0.5 ? 1 : (1 + Math.cos(Math.PI * (2 * share - 1))) / 2)

/** Adam (Kingma & Ba 2015, algorithm 1, usual constants) with a rate given at each step; it descends. */
const climber = (variables: ReadonlyArray<tf.Variable>) => {
  const [beta1, beta2, epsilon] = [0.9, 0.999, 1e-8]
  const zeros = (): Array<tf.Variable> =>
    variables.map((v) => tf.tidy(() => tf.variable(tf.zeros(v.shape), false)))
  const [means, squares] = [zeros(), zeros()]
  let steps = 0
  return {
    step: (gradients: ReadonlyArray<tf.Tensor>, rate: number): void => {
      steps++
      const corrected = tf.scalar((rate * Math.sqrt(1 - beta2 ** steps)) / (1 - beta1 ** steps))
      for (const [i, variable] of variables.entries()) {
        const mean = tf.add(tf.mul(means[i], beta1), tf.mul(gradients[i], 1 - beta1))
        const square = tf.add(tf.mul(squares[i], beta2), tf.mul(tf.square(gradients[i]), 1 - beta2))
        means[i].assign(mean)
        squares[i].assign(square)
        variable.assign(tf.sub(variable, tf.div(tf.mul(mean, corrected), tf.add(tf.sqrt(square), epsilon))))
      }
    },
    dispose: (): void => tf.dispose([means, squares]),
  }
}

interface Target {
  readonly symbol: tf.SymbolicTensor
  /** Which picture excites which channel: [N, (1, 1,) channels], to be multiplied with the layer's output. */
  readonly mask: tf.Tensor
}

const targetsOf = (model: tf.LayersModel, objectives: ReadonlyArray<Objective>): Array<Target> => {
  const layers = new Map<string, Array<readonly [picture: number, channel: number]>>()
  for (const [picture, objective] of objectives.entries()) {
    const layer = objective.kind === "class" ? LAYERS.logits : objective.layer
    if (!model.layers.some(({ name }) => name === layer))
      throw new FeatureError(
        `the model has no layer "${layer}"; it has ${model.layers.map((l) => l.name).join(", ")}`,
      )
    const channels = outputOf(model, layer).shape.at(-1) ?? 0
    if (!Number.isInteger(objective.index) || objective.index < 0 || objective.index >= channels)
      throw new FeatureError(`layer "${layer}" has ${channels} channels, there is no ${objective.index}`)
    layers.set(layer, [...(layers.get(layer) ?? []), [picture, objective.index]])
  }
  return [...layers].map(([layer, picks]) => {
    const symbol = outputOf(model, layer)
    const channels = symbol.shape.at(-1) ?? 0
    const area = symbol.shape.slice(1, -1).reduce<number>((n, d) => n * (d ?? 1), 1)
    const mask = new Float32Array(objectives.length * channels)
    for (const [picture, channel] of picks) mask[picture * channels + channel] = 1 / area
    const middle = symbol.shape.slice(1, -1).map(() => 1)
    return { symbol, mask: tf.tensor(mask, [objectives.length, ...middle, channels]) }
  })
}

/**
 * Feature visualization by optimization (Olah et al. 2017): start from grey noise, climb the gradient of each
 * objective with Adam in a Fourier basis with decorrelated colours (grey models: one channel), and look at the
 * picture under another small shift, rotation and scale at each step, so that only what survives those is drawn.
 * Class objectives are logits: a softmax could be raised by suppressing the other classes. Deterministic for one
 * seed, backend and thread count.
 * @throws FeatureError for a layer or channel that isn't there.
 */
export const visualizeFeatures = async (options: FeatureOptions): Promise<FeaturePictures> => {
  const { model, preprocessing, objectives, steps = 512, learningRate = 0.05, seed = 0, signal } = options
  const [, height, width, channels] = model.inputs[0].shape
  if (height === null || width === null || (channels !== 1 && channels !== 3))
    throw new FeatureError(
      `the model's input [${model.inputs[0].shape.join(", ")}] is no grey or RGB picture`,
    )
  const count = objectives.length
  if (count === 0) throw new FeatureError("no objectives")
  const targets = targetsOf(model, objectives)
  const pictures = spectralPictures({ count, height, width, channels }, seed)
  const adam = climber(pictures.variables)
  const statistics = tf.tidy(() => ({
    mean: tf.tensor4d([...preprocessing.mean], [1, 1, 1, channels]),
    inverse: tf.tensor4d(
      preprocessing.std.map((s) => 1 / s),
      [1, 1, 1, channels],
    ),
  }))
  /** Each picture's objective, [N]. */
  const scores = (seen: tf.Tensor): tf.Tensor => {
    const input = tf.mul(tf.sub(seen, statistics.mean), statistics.inverse)
    const outputs = execute({ feeds: [[model.inputs[0], input]], fetch: targets.map(({ symbol }) => symbol) })
    return targets
      .map(({ mask }, i) => tf.sum(tf.reshape(tf.mul(outputs[i], mask), [count, -1]), 1))
      .reduce((a, b) => tf.add(a, b))
  }
  const random = randomOf("views", seed)
  try {
    for (let step = 1; step <= steps; step++) {
      if (signal?.aborted === true) throw new FeatureError(`stopped at step ${step} of ${steps}`)
      const view = randomView(Math.min(height, width), random)
      const value = tf.tidy(() => {
        const { value, grads } = tf.variableGrads(
          () => tf.neg(tf.sum(scores(warp(pictures.pixels(), view, OUTSIDE)))).asScalar(),
          [...pictures.variables],
        )
        adam.step(
          pictures.variables.map(({ name }) => grads[name]),
          learningRate * annealing(step / steps),
        )
        return value
      })
      flush()
      if (options.onProgress !== undefined && (step % 32 === 0 || step === steps))
        await options.onProgress(step, -value.dataSync()[0] / count)
      tf.dispose(value)
      await setImmediate()
    }
    const [pixels, values] = tf.tidy(() => {
      const last = pictures.pixels()
      return [last, scores(last)].map((t) => tf.clone(t))
    })
    const data = Uint8Array.from(pixels.dataSync(), (v) => Math.round(v * 255))
    const result = { images: imagesOf(data, { height, width, channels }), values: [...values.dataSync()] }
    tf.dispose([pixels, values])
    return result
  } finally {
    adam.dispose()
    pictures.dispose()
    tf.dispose([statistics.mean, statistics.inverse, ...targets.map(({ mask }) => mask)])
  }
}
