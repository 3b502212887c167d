import * as tf from "@tensorflow/tfjs"
import { type Images, imagesOf } from "../images.ts"
import type { Preprocessing } from "../preprocess.ts"
import { type Climb, draw, look } from "./climb.ts"
import { spectralPictures } from "./fourier.ts"
import { checkObjective, FeatureError, layerOf, type Objective } from "./objective.ts"

export interface FeatureOptions {
  readonly model: tf.LayersModel
  readonly preprocessing: Preprocessing
  /** `copies` pictures are made for each. */
  readonly objectives: ReadonlyArray<Objective>
  /** Default 512, as published. */
  readonly steps?: number | undefined
  /** Adam's rate. Default 0.05, as published. */
  readonly learningRate?: number | undefined
  readonly seed?: number | undefined
  /** Side of the picture the network looks at, pixels. Default: its input size. Convolutions take any. */
  readonly size?: number | undefined
  /** Pixels of the result for each of those. Default 1. */
  readonly print?: number | undefined
  /** The spectrum falls off as 1 / f^power. Default: `defaultPower`. */
  readonly power?: number | undefined
  /** Weight of the total variation, as a share of the objective. Default 0. */
  readonly variation?: number | undefined
  /** Pictures of each objective. Default 1. */
  readonly copies?: number | undefined
  /** Weight of the likeness of copies, as a share of the objective. Default 0; without effect on single copies. */
  readonly diversity?: number | undefined
  /** Pictures optimized at a time, at most. Default 16. */
  readonly batch?: number | undefined
  /** Called now and then. */
  readonly onProgress?: ((progress: FeatureProgress) => void | Promise<void>) | undefined
  readonly signal?: AbortSignal | undefined
}

export interface FeatureProgress {
  /** Steps done and to be done, counted for each picture. */
  readonly done: number
  readonly total: number
  /** What is being drawn, and the mean of its objectives. */
  readonly layer: string
  readonly objective: number
}

export interface FeaturePicture {
  readonly objective: Objective
  /** From 0. */
  readonly copy: number
  /** What the objective had on the noise the picture began as. */
  readonly start: number
  /** What it has on the picture, its pixels rounded to 8 bits, at the size the network looked at. */
  readonly value: number
}

export interface FeaturePictures {
  /** In the order of `pictures`: `size · print` pixels a side, channels as the model's input. */
  readonly images: Images
  /** All copies of the first objective, all of the second … */
  readonly pictures: ReadonlyArray<FeaturePicture>
  /** Of all threads of the process, while the pictures were made; a measurement, other each time. */
  readonly cpuSeconds: number
}

/**
 * The published spectrum falls off as 1 / f. On pictures of a few dozen pixels all frequencies that there are reach
 * the network, and grain wins over shapes: there the spectrum falls off as 1 / f^1.5.
 */
export const defaultPower = (size: number): number => (size < 96 ? 1.5 : 1)

/** @throws FeatureError where the layer does not take pictures of that size. */
const checkSize = (climb: Climb, shape: ReadonlyArray<number>): void => {
  try {
    tf.tidy(() => look(climb, tf.zeros([climb.objectives.length, ...shape])).scores).dispose()
  } catch (error) {
    const why = error instanceof Error ? error.message.split("\n")[0] : String(error)
    throw new FeatureError(
      `layer "${layerOf(climb.objectives[0])}" takes no pictures of ${shape[1]}×${shape[0]} pixels: leave out the size, or choose a layer before the network is tied to its input size (${why})`,
    )
  }
}

/** `items` in pieces of nearly one length, `limit` at most. */
const pieces = <A>(items: ReadonlyArray<A>, limit: number): Array<ReadonlyArray<A>> => {
  const count = Math.ceil(items.length / limit)
  const at = (i: number): number => Math.round((i * items.length) / count)
  return Array.from({ length: count }, (_, i) => items.slice(at(i), at(i + 1)))
}

/**
 * Feature visualization by optimization (Olah et al. 2017): start from grey noise, climb the gradient of each
 * objective with Adam in a Fourier basis with decorrelated colours (grey models: their luminance), and look at the
 * picture under another small shift, rotation and scale at each step, so that only what survives those is drawn.
 * Class objectives are logits: a softmax could be raised by suppressing the other classes. Pictures of one layer
 * are optimized together, and only as much of the network as leads to it is computed. A picture follows from model,
 * objective, copy and options alone; deterministic for one backend and thread count.
 * @throws FeatureError for a layer or channel that isn't there, or a layer that takes no picture of `size`.
 */
export const visualizeFeatures = async (options: FeatureOptions): Promise<FeaturePictures> => {
  const { model, preprocessing, objectives, steps = 512, learningRate = 0.05, seed = 0, print = 1 } = options
  const { copies = 1, diversity = 0, variation = 0, batch = 16 } = options
  const [, inputHeight, inputWidth, channels] = model.inputs[0].shape
  const [height, width] = [options.size ?? inputHeight, options.size ?? inputWidth]
  if (height === null || width === null || (channels !== 1 && channels !== 3))
    throw new FeatureError(
      `the model's input [${model.inputs[0].shape.join(", ")}] is no grey or RGB picture of fixed size`,
    )
  if (objectives.length === 0) throw new FeatureError("no objectives")
  for (const objective of objectives) checkObjective(model, objective)
  const layers = [...new Set(objectives.map(layerOf))]
  const power = options.power ?? defaultPower(Math.min(height, width))
  const bytes = height * width * channels * print ** 2
  const count = objectives.length * copies
  const data = new Uint8Array(count * bytes)
  const found: Array<FeaturePicture> = []
  const before = process.cpuUsage()
  let done = 0
  for (const layer of layers) {
    const own = objectives.flatMap((objective, group) =>
      layerOf(objective) === layer ? [{ objective, group }] : [],
    )
    // Copies are told from one another, so they stay together.
    for (const some of pieces(own, Math.max(1, Math.floor(batch / copies)))) {
      const part = some.flatMap((one) => Array.from({ length: copies }, (_, copy) => ({ ...one, copy })))
      const climb: Climb = {
        model,
        preprocessing,
        objectives: part.map(({ objective }) => objective),
        groups: part.map(({ group }) => group),
        variation,
        diversity,
      }
      checkSize(climb, [height, width, channels])
      const keys = part.map(({ objective, copy }) => [
        seed,
        layer,
        objective.kind === "layer" ? "all" : objective.index,
        copy,
      ])
      const pictures = spectralPictures({ height, width, channels, power }, keys)
      try {
        const drawn = await draw(climb, pictures, Math.min(height, width), {
          steps,
          learningRate,
          seed,
          print,
          signal: options.signal,
          tell: async (step, objective) => {
            if (options.onProgress === undefined || (step % 32 !== 0 && step !== steps)) return
            await options.onProgress({
              done: done + step * part.length,
              total: count * steps,
              layer,
              objective: objective(),
            })
          },
        })
        for (const [i, { objective, copy, group }] of part.entries()) {
          const place = group * copies + copy
          data.set(drawn.data.subarray(i * bytes, (i + 1) * bytes), place * bytes)
          found[place] = { objective, copy, start: drawn.start[i], value: drawn.value[i] }
        }
      } finally {
        pictures.dispose()
      }
      done += part.length * steps
    }
  }
  const { user, system } = process.cpuUsage(before)
  return {
    images: imagesOf(data, { height: height * print, width: width * print, channels }),
    pictures: found,
    cpuSeconds: (user + system) / 1e6,
  }
}
