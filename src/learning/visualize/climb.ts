import * as tf from "@tensorflow/tfjs"
import { setImmediate } from "node:timers/promises"
import { flush } from "../backend.ts"
import { execute, outputOf } from "../executor.ts"
import type { Preprocessing } from "../preprocess.ts"
import { randomOf } from "../random.ts"
import { adam } from "./adam.ts"
import type { SpectralPictures } from "./fourier.ts"
import { FeatureError, layerOf, networkInput, type Objective, responses } from "./objective.ts"
import { similarity, totalVariation } from "./regularise.ts"
import { randomView, type View, warp } from "./warp.ts"

/** Grey that surrounds the picture when it is shifted and turned. */
const OUTSIDE = 0.5

/**
 * Share of the rate at a share of the steps: full until the middle, then half a cosine to 0. Adam moves every
 * frequency by about its rate whether or not it matters; at a constant rate that stays in the picture as grain.
 */
const annealing = (share: number): number => (share < 0.5 ? 1 : (1 + Math.cos(Math.PI * (2 * share - 1))) / 2)

/** Pictures of one layer, optimized together. */
export interface Climb {
  readonly model: tf.LayersModel
  readonly preprocessing: Preprocessing
  /** One for each picture, all of one layer. */
  readonly objectives: ReadonlyArray<Objective>
  /** Pictures of one number show one objective. */
  readonly groups: ReadonlyArray<number>
  readonly variation: number
  readonly diversity: number
}

interface Seen {
  /** Each picture's objective, [N]. */
  readonly scores: tf.Tensor
  readonly activations: tf.Tensor
}

export const look = ({ model, preprocessing, objectives }: Climb, pixels: tf.Tensor): Seen => {
  const [activations] = execute({
    feeds: [[model.inputs[0], networkInput(pixels, preprocessing)]],
    fetch: [outputOf(model, layerOf(objectives[0]))],
  })
  // Row i, column i: picture i by its own objective.
  const own = tf.eye(objectives.length)
  return { scores: tf.sum(tf.mul(responses(activations, objectives), own), 1), activations }
}

/**
 * What is climbed, summed over the pictures: the objectives on the pictures under a view, less the penalties. A penalty's
 * weight is a share of the objective's own size at that moment (which is not differentiated), since activations of
 * different layers have different scales.
 */
export const ascent = (climb: Climb, pixels: tf.Tensor, view: View): tf.Scalar => {
  const { scores, activations } = look(climb, warp(pixels, view, OUTSIDE))
  const { variation, diversity, groups } = climb
  let total = scores
  const penalise = (weight: number, penalty: tf.Tensor): void => {
    total = tf.sub(total, tf.mul(magnitude(scores), tf.mul(penalty, weight)))
  }
  if (variation > 0) penalise(variation, totalVariation(pixels))
  if (diversity > 0 && new Set(groups).size < groups.length && activations.rank === 4)
    penalise(diversity, similarity(activations, groups))
  return tf.sum(total).asScalar()
}

/** Sizes of values, as constants to the gradient. */
const magnitude = (values: tf.Tensor): tf.Tensor =>
  tf.customGrad((x) => {
    if (!(x instanceof tf.Tensor)) throw new TypeError("a tensor expected")
    return { value: tf.abs(x), gradFunc: (dy: tf.Tensor) => [tf.zerosLike(dy)] }
  })(values)

/** What became of some pictures. */
export interface Drawn {
  /** Printed, 8 bits. */
  readonly data: Uint8Array
  readonly start: ReadonlyArray<number>
  readonly value: ReadonlyArray<number>
}

export interface Course {
  readonly steps: number
  readonly learningRate: number
  readonly seed: number
  readonly print: number
  readonly signal: AbortSignal | undefined
  /** Gets the mean objective now and then. */
  readonly tell: (step: number, objective: () => number) => Promise<void>
}

/** Pixels in [0, 1] to 8 bits. */
const bytesOf = (pixels: tf.Tensor): Uint8Array =>
  Uint8Array.from(pixels.dataSync(), (v) => Math.round(v * 255))

/** Of what is shown, this much (a multiple of the farthest grey from the mean) may be cut off. */
const CUT = 1.2

/**
 * Pictures as they are shown. What a network sees by each picture's own statistics may have any brightness and
 * contrast: it gets those of a usual picture, with less contrast where that would cut off more than the last peaks.
 */
const shown = (pixels: tf.Tensor, { perPicture, mean, std }: Preprocessing): tf.Tensor => {
  if (perPicture !== true) return pixels
  const { mean: own, variance } = tf.moments(pixels, [1, 2, 3], true)
  const centred = tf.sub(pixels, own)
  const usual = tf.div(std[0], tf.sqrt(tf.add(variance, 1e-12)))
  const most = tf.div(CUT * 0.5, tf.add(tf.max(tf.abs(centred), [1, 2, 3], true), 1e-6))
  return tf.clipByValue(tf.add(tf.mul(centred, tf.minimum(usual, most)), mean[0]), 0, 1)
}

/** Objectives of the pictures as they are shown. */
const valuesOf = (climb: Climb, pictures: SpectralPictures): ReadonlyArray<number> => {
  const scores = tf.tidy(() => {
    const rounded = tf.div(tf.round(tf.mul(shown(pictures.pixels(), climb.preprocessing), 255)), 255)
    return look(climb, rounded).scores
  })
  const values = [...scores.dataSync()]
  scores.dispose()
  return values
}

/** Optimize the pictures of one layer, from the noise they are. @throws FeatureError when stopped, or when the model gives no finite numbers. */
export const draw = async (
  climb: Climb,
  pictures: SpectralPictures,
  size: number,
  course: Course,
): Promise<Drawn> => {
  const { steps, learningRate, seed, signal } = course
  const climber = adam(pictures.variables)
  const random = randomOf("views", seed)
  try {
    const start = valuesOf(climb, pictures)
    for (let step = 1; step <= steps; step++) {
      if (signal?.aborted === true) throw new FeatureError(`stopped at step ${step} of ${steps}`)
      const view = randomView(size, random)
      const loss = tf.tidy(() => {
        const { value, grads } = tf.variableGrads(
          () => tf.neg(ascent(climb, pictures.pixels(), view)).asScalar(),
          [...pictures.variables],
        )
        climber.step(
          pictures.variables.map(({ name }) => grads[name]),
          learningRate * annealing(step / steps),
        )
        return value
      })
      flush()
      await course.tell(step, () => -loss.dataSync()[0] / climb.objectives.length)
      tf.dispose(loss)
      await setImmediate()
    }
    const value = valuesOf(climb, pictures)
    const broken = value.findIndex((v) => !Number.isFinite(v))
    if (broken >= 0)
      throw new FeatureError(
        `layer "${layerOf(climb.objectives[broken])}" gave ${value[broken]} for a picture: the model's weights are no finite numbers, or learningRate ${learningRate} is too high`,
      )
    const printed = tf.tidy(() => shown(pictures.print(course.print), climb.preprocessing))
    const data = bytesOf(printed)
    printed.dispose()
    return { data, start, value }
  } finally {
    climber.dispose()
  }
}
