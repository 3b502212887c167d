import * as tf from "@tensorflow/tfjs"
import { flush } from "../backend.ts"
import { type Images, imageSize } from "../images.ts"
import { normalise } from "../preprocess.ts"
import { softmaxRows, tensorOf } from "../predict.ts"
import type { MtcnnNet } from "./nets.ts"
import { checkPools, type MtcnnPools } from "./samples.ts"
import { MTCNN_PREPROCESSING } from "./train.ts"

export interface WindowOutputs {
  /** [N]: probability of a face. */
  readonly scores: Float32Array
  /** [N, 4] */
  readonly boxes: Float32Array
  /** [N, 10], O-Net only. */
  readonly landmarks: Float32Array
}

/** Run a network over windows of its input size; the last batch is filled up so that all have one shape. */
export const runWindows = (model: tf.LayersModel, images: Images, batchSize = 256): WindowOutputs => {
  const { height, width, channels, count } = images
  const size = imageSize(images)
  const logits = new Float32Array(count * 2)
  const boxes = new Float32Array(count * 4)
  const landmarks = new Float32Array(model.outputs.length > 2 ? count * 10 : 0)
  for (let start = 0; start < count; start += batchSize) {
    const n = Math.min(batchSize, count - start)
    const pixels = new Uint8Array(batchSize * size)
    pixels.set(images.data.subarray(start * size, (start + n) * size))
    const values = normalise({ ...images, data: pixels, count: batchSize }, MTCNN_PREPROCESSING)
    tf.tidy(() => {
      const output = model.apply(tf.tensor4d(values, [batchSize, height, width, channels]), {
        training: false,
      })
      const tensors = model.outputs.map((_, i) => tensorOf(output, i))
      flush()
      const targets = [logits, boxes, landmarks]
      for (const [i, tensor] of tensors.entries()) {
        const columns = [2, 4, 10][i]
        targets[i].set(tensor.dataSync().subarray(0, n * columns), start * columns)
      }
    })
  }
  return { scores: softmaxRows(logits, 2).filter((_, i) => i % 2 === 1), boxes, landmarks }
}

export interface MtcnnScore {
  /** Share of positive windows with a score of at least the threshold. */
  readonly recall: number
  /** Share of negative windows with a score of at least the threshold. */
  readonly falseAlarms: number
  /** Mean absolute error of the box sides on positive windows, in parts of the window. */
  readonly boxError: number
  /** The same when the window itself is taken as the box. */
  readonly boxErrorBefore: number
  /** Mean distance of a landmark on landmark windows, in parts of the window; 0 for networks without. */
  readonly landmarkError: number
}

const meanAbsolute = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += Math.abs(a[i] - b[i])
  return a.length === 0 ? 0 : sum / a.length
}

/** Judge a network on windows it wasn't trained on. */
export const scoreMtcnnNet = (
  net: MtcnnNet,
  model: tf.LayersModel,
  pools: MtcnnPools,
  threshold = 0.5,
): MtcnnScore => {
  checkPools(net, pools)
  const share = (scores: Float32Array): number => scores.filter((s) => s >= threshold).length / scores.length
  const positive = runWindows(model, pools.positive.images)
  const negative = runWindows(model, pools.negative.images)
  const truth = pools.positive.boxes ?? new Float32Array(0)
  let landmarkError = 0
  if (net === "onet" && pools.landmark?.landmarks !== undefined) {
    const found = runWindows(model, pools.landmark.images).landmarks
    const points = pools.landmark.landmarks
    for (let i = 0; i < found.length; i += 10)
      for (let p = 0; p < 5; p++)
        landmarkError += Math.hypot(found[i + p] - points[i + p], found[i + 5 + p] - points[i + 5 + p])
    landmarkError /= found.length / 2
  }
  return {
    recall: share(positive.scores),
    falseAlarms: share(negative.scores),
    boxError: meanAbsolute(positive.boxes, truth),
    boxErrorBefore: meanAbsolute(truth, new Float32Array(truth.length)),
    landmarkError,
  }
}
