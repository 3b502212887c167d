import * as tf from "@tensorflow/tfjs"
import { setImmediate } from "node:timers/promises"
import { flush } from "../backend.ts"
import { execute } from "../executor.ts"
import { randomOf } from "../random.ts"
import { normalise, type Preprocessing } from "../preprocess.ts"
import { learningRateAt, type Schedule } from "../schedule.ts"
import { sgd } from "../sgd.ts"
import { TrainingAbortedError, TrainingDivergedError } from "../training-errors.ts"
import { adam } from "./adam.ts"
import { foldNormalisation } from "./fold.ts"
import { hardExamples, maskedSquares, rowCrossEntropy } from "./losses.ts"
import { buildMtcnnNet, MTCNN_PLANS, type MtcnnNet } from "./nets.ts"
import {
  batchMix,
  batchSource,
  checkPools,
  type MtcnnBatch,
  type MtcnnPools,
  taughtRows,
  type WindowAugmentation,
} from "./samples.ts"

/** `(x − 127.5) / 128` with x in 0 … 255, as the published networks take it. */
export const MTCNN_PREPROCESSING: Preprocessing = {
  mean: [0.5, 0.5, 0.5],
  std: [128 / 255, 128 / 255, 128 / 255],
}

export interface MtcnnTrainOptions {
  readonly net: MtcnnNet
  readonly pools: MtcnnPools
  readonly steps: number
  /** Continue from these weights instead of fresh ones (trained in place). */
  readonly model?: tf.LayersModel | undefined
  /** Default 384. */
  readonly batchSize?: number | undefined
  /** Default 0.01. */
  readonly learningRate?: number | undefined
  /** Default: cosine to 0. */
  readonly schedule?: Schedule | undefined
  /** Steps of linear warm-up. Default 5 % of the steps. */
  readonly warmupSteps?: number | undefined
  /** `sgd` as published, or `adam`, which needs far fewer steps. Default sgd. */
  readonly optimizer?: "sgd" | "adam" | undefined
  /**
   * Train with batch normalisation before every PReLU, folded into the layers before it at the end: several times
   * fewer steps. Not together with `model`. Default false.
   */
  readonly normalised?: boolean | undefined
  /** Of SGD. Default 0.9, without Nesterov. */
  readonly momentum?: number | undefined
  /** L2 factor on kernels (Adam: decoupled decay). Default 4e-5. */
  readonly l2?: number | undefined
  /** Share of the class losses that is learned from, the largest ones. Default 0.7. */
  readonly hardShare?: number | undefined
  /** Share of O-Net's fully connected outputs set to 0 in training. Default 0.25, as published. */
  readonly dropout?: number | undefined
  /** Default: class 1, box 0.5, landmarks 0.5 (1 for O-Net). */
  readonly lossWeights?:
    | { readonly classes: number; readonly boxes: number; readonly landmarks: number }
    | undefined
  /** Default: mirror half of the windows, saturation and brightness within 0.7 … 1.3. */
  readonly augmentation?: WindowAugmentation | undefined
  /**
   * Learn boxes from every window of a face, and landmarks from positives too, not only from the kinds the paper
   * takes them from. Default false.
   */
  readonly allTargets?: boolean | undefined
  readonly seed?: number | undefined
  /** Steps between two reports (and two readings of the losses). Default 50. */
  readonly reportEvery?: number | undefined
  readonly onReport?: ((figures: MtcnnFigures & { readonly ms: number }) => void | Promise<void>) | undefined
  readonly signal?: AbortSignal | undefined
}

/** Means over the steps since the last report. */
export interface MtcnnFigures {
  /** Steps done. */
  readonly step: number
  /** Of the hard examples. */
  readonly classLoss: number
  readonly boxLoss: number
  readonly landmarkLoss: number
  /** Share of positive and negative windows classified rightly (at 0.5), all of them, in training. */
  readonly accuracy: number
  readonly lr: number
}

export interface MtcnnTrainResult {
  readonly model: tf.LayersModel
  readonly history: ReadonlyArray<MtcnnFigures>
}

const GENTLE: WindowAugmentation = { flip: 0.5, saturation: [0.7, 1.3], brightness: [0.7, 1.3] }

/**
 * Train one of the three networks: cross-entropy on the hardest of the positive and negative windows, squared error
 * of the box on positives and parts, of the landmarks on landmark windows (O-Net). Deterministic for one seed,
 * backend and thread count.
 * @throws MtcnnSamplesError for pools that don't fit; TrainingDivergedError; TrainingAbortedError.
 */
export const trainMtcnnNet = async (options: MtcnnTrainOptions): Promise<MtcnnTrainResult> => {
  const {
    net,
    pools,
    steps,
    batchSize = 384,
    learningRate = 0.01,
    momentum = 0.9,
    l2 = 4e-5,
    seed = 0,
  } = options
  const { hardShare = 0.7, reportEvery = 50, augmentation = GENTLE, allTargets = false, signal } = options
  checkPools(net, pools)
  const weights = options.lossWeights ?? { classes: 1, boxes: 0.5, landmarks: net === "onet" ? 1 : 0.5 }
  const { normalised = false } = options
  const model = options.model ?? buildMtcnnNet(net, seed, undefined, normalised)
  const mix = batchMix(net, batchSize)
  const judged = mix.positive + mix.negative
  const taught = taughtRows(net, pools, batchSize, allTargets)
  const keep = Math.max(1, Math.floor(judged * hardShare))
  const { dense } = MTCNN_PLANS[net]
  const dropout = MTCNN_PLANS[net].dropout === undefined ? 0 : (options.dropout ?? MTCNN_PLANS[net].dropout)
  const rates = {
    base: learningRate,
    schedule: options.schedule ?? { kind: "cosine" as const },
    warmupSteps: options.warmupSteps ?? Math.round(steps * 0.05),
    totalSteps: steps,
  }
  const next = batchSource(net, pools, { batchSize, seed, augmentation, allTargets })
  const optimizer =
    options.optimizer === "adam" ? adam(model, { decay: l2 }) : sgd(model, { momentum, nesterov: false, l2 })
  const history: Array<MtcnnFigures> = []
  let pending: Array<{
    readonly figures: tf.Tensor
    readonly logits: tf.Tensor
    readonly batch: MtcnnBatch
  }> = []

  /** Dropout with a mask from the seed and the step: tfjs's own would repeat one mask or none at all. */
  const hooks = (step: number): Record<string, (value: tf.Tensor) => tf.Tensor> => {
    if (dropout === 0 || dense === undefined) return {}
    const random = randomOf("mtcnn-dropout", seed, step)
    const mask = Float32Array.from({ length: batchSize * dense }, () =>
      random.uniform() < dropout ? 0 : 1 / (1 - dropout),
    )
    const layer = `dense${MTCNN_PLANS[net].trunk.length + 1}`
    return { [layer]: (value) => tf.mul(value, tf.tensor2d(mask, [batchSize, dense])) }
  }

  const loss = (
    batch: MtcnnBatch,
    step: number,
  ): { total: tf.Scalar; figures: tf.Tensor; logits: tf.Tensor } => {
    const x = tf.tensor4d(normalise(batch.images, MTCNN_PREPROCESSING), [
      batchSize,
      batch.images.height,
      batch.images.width,
      3,
    ])
    const outputs = execute({
      feeds: [[model.inputs[0], x]],
      fetch: model.outputs,
      hooks: hooks(step),
      training: true,
    })
    const logits = tf.reshape(outputs[0], [batchSize, 2])
    const losses = rowCrossEntropy(logits, tf.tensor2d(batch.classes, [batchSize, 2]))
    const hard = hardExamples(losses, tf.tensor1d(batch.classMask), keep)
    const classLoss = tf.mul(tf.sum(tf.mul(losses, hard)), 1 / keep)
    const column = (mask: Float32Array): tf.Tensor => tf.tensor2d(mask, [batchSize, 1])
    const boxLoss = maskedSquares(
      tf.reshape(outputs[1], [batchSize, 4]),
      tf.tensor2d(batch.boxes, [batchSize, 4]),
      column(batch.boxMask),
      taught.boxes,
    )
    const parts = [tf.mul(classLoss, weights.classes), tf.mul(boxLoss, weights.boxes)]
    const shown = [classLoss, boxLoss]
    if (outputs.length > 2) {
      const points = tf.tensor2d(batch.landmarks, [batchSize, 10])
      const landmarkLoss = maskedSquares(outputs[2], points, column(batch.landmarkMask), taught.landmarks)
      parts.push(tf.mul(landmarkLoss, weights.landmarks))
      shown.push(landmarkLoss)
    }
    const total = parts.reduce((a, b) => tf.add(a, b)).asScalar()
    return { total, figures: tf.concat(shown.map((value) => tf.reshape(value, [1]))), logits }
  }

  const report = (step: number, lr: number): MtcnnFigures => {
    const sums = [0, 0, 0]
    let hits = 0
    for (const { figures, logits, batch } of pending) {
      for (const [i, value] of figures.dataSync().entries()) sums[i] += value
      const values = logits.dataSync()
      for (let row = 0; row < batchSize; row++)
        if (
          batch.classMask[row] === 1 &&
          values[row * 2 + 1] > values[row * 2] === (batch.classes[row * 2 + 1] === 1)
        )
          hits++
    }
    const n = pending.length
    tf.dispose(pending.flatMap(({ figures, logits }) => [figures, logits]))
    pending = []
    const [classLoss, boxLoss, landmarkLoss] = sums.map((sum) => sum / n)
    if (!Number.isFinite(classLoss + boxLoss + landmarkLoss))
      throw new TrainingDivergedError(
        `${net}: the loss is not a number any more (step ${step}, learning rate ${lr.toPrecision(3)}): ` +
          `try a learning rate of ${(learningRate / 10).toPrecision(2)} or more warm-up steps`,
      )
    return { step, classLoss, boxLoss, landmarkLoss, accuracy: hits / (n * judged), lr }
  }

  let started = performance.now()
  try {
    for (let step = 0; step < steps; step++) {
      if (signal?.aborted === true)
        throw new TrainingAbortedError(`training of ${net} stopped at step ${step}`)
      const lr = learningRateAt(step, rates)
      const batch = next()
      const kept: Array<tf.Tensor> = []
      tf.tidy(() =>
        optimizer.step(() => {
          const { total, figures, logits } = loss(batch, step)
          kept.push(tf.keep(figures.clone()), tf.keep(logits.clone()))
          return total
        }, lr),
      )
      flush()
      pending.push({ figures: kept[0], logits: kept[1], batch })
      if (pending.length === reportEvery || step === steps - 1) {
        const figures = report(step + 1, lr)
        history.push(figures)
        await options.onReport?.({ ...figures, ms: performance.now() - started })
        started = performance.now()
      }
      await setImmediate()
    }
  } finally {
    tf.dispose(pending.flatMap(({ figures, logits }) => [figures, logits]))
    optimizer.dispose()
  }
  if (options.model !== undefined || !normalised) return { model, history }
  try {
    return { model: foldNormalisation(net, model), history }
  } finally {
    tf.dispose(model.getWeights())
  }
}
