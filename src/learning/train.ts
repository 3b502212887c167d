import * as tf from "@tensorflow/tfjs"
import { setImmediate } from "node:timers/promises"
import { type Augmentation, augmentBatch } from "./augment.ts"
import { flush } from "./backend.ts"
import {
  batchTargets,
  checkTrainingSet,
  crossEntropy,
  epochBatches,
  type LabelledImages,
  TrainingDataError,
} from "./dataset.ts"
import { selectImages } from "./images.ts"
import { argmaxRows, evaluate } from "./metrics.ts"
import { predict, tensorOf } from "./predict.ts"
import { normalise, type Preprocessing } from "./preprocess.ts"
import { learningRateAt, type Schedule } from "./schedule.ts"
import { sgd } from "./sgd.ts"

export interface TrainOptions {
  /** Trained in place. Input [N, H, W, C], output logits [N, classes]. */
  readonly model: tf.LayersModel
  readonly training: LabelledImages
  /** Judges each epoch and chooses the weights that are kept. Without it the last epoch's are. */
  readonly validation?: LabelledImages | undefined
  readonly classNames: ReadonlyArray<string>
  readonly preprocessing: Preprocessing
  readonly epochs: number
  /** Default 32. */
  readonly batchSize?: number | undefined
  /** Base learning rate. Default 0.05. */
  readonly learningRate?: number | undefined
  /** Default: cosine to 0. */
  readonly schedule?: Schedule | undefined
  /** Epochs (or part of one) of linear warm-up. Default 1. */
  readonly warmupEpochs?: number | undefined
  /** Default 0.9. */
  readonly momentum?: number | undefined
  /** Default true. */
  readonly nesterov?: boolean | undefined
  /** L2 factor on kernels (batch normalisation and biases are left alone). Default 1e-4. */
  readonly l2?: number | undefined
  /** Weight of each class in the loss. Default 1 each. */
  readonly classWeights?: ReadonlyArray<number> | undefined
  /** Share of the target spread over all classes (Szegedy et al. 2016). Default 0. */
  readonly labelSmoothing?: number | undefined
  /** None when left out. */
  readonly augmentation?: Augmentation | undefined
  /** Orders and augmentations follow from it. Default 0. */
  readonly seed?: number | undefined
  /** Which figure chooses the kept weights. Default "valMacroF1". */
  readonly keepBest?: "valMacroF1" | "valAccuracy" | "valLoss" | "last" | undefined
  /** Losses are read back every so many steps: each reading waits for the device. Default 8. */
  readonly readEvery?: number | undefined
  /** Awaited after each epoch. `ms`: wall time of the epoch with its validation. */
  readonly onEpoch?: ((figures: EpochFigures & { readonly ms: number }) => void | Promise<void>) | undefined
  readonly signal?: AbortSignal | undefined
}

export interface EpochFigures {
  /** 1 … epochs. */
  readonly epoch: number
  /** Mean over the epoch of the loss that is minimised, L2 apart. */
  readonly loss: number
  /** Share right among the augmented training pictures, as they were seen. */
  readonly accuracy: number
  /** Plain mean cross-entropy: no class weights, no smoothing. */
  readonly valLoss?: number
  readonly valAccuracy?: number
  readonly valMacroF1?: number
  /** Learning rate of the epoch's last step. */
  readonly lr: number
}

export interface TrainResult {
  /** The epoch whose weights the model now has. */
  readonly bestEpoch: number
  readonly history: ReadonlyArray<EpochFigures>
  readonly steps: number
}

/** The loss stopped being a number; the message says when and what to try. */
export class TrainingDivergedError extends Error {
  readonly _tag = "TrainingDivergedError"
  override readonly name = "TrainingDivergedError"
}

/** The abort signal was raised. */
export class TrainingAbortedError extends Error {
  readonly _tag = "TrainingAbortedError"
  override readonly name = "TrainingAbortedError"
}

interface Pending {
  readonly logits: tf.Tensor
  readonly targets: Float32Array
  readonly batch: Uint32Array
}

const better = (a: EpochFigures, b: EpochFigures | undefined, by: string): boolean => {
  if (b === undefined || by === "last" || a.valLoss === undefined) return true
  const score = (f: EpochFigures): number =>
    (by === "valLoss" ? -(f.valLoss ?? 0) : by === "valAccuracy" ? f.valAccuracy : f.valMacroF1) ?? 0
  // Of equal epochs the one with the lower loss, then the earlier one.
  return score(a) > score(b) || (score(a) === score(b) && a.valLoss < (b.valLoss ?? Infinity))
}

/** Copies of all weights (running averages too) on the host. */
const snapshot = (model: tf.LayersModel): Array<Float32Array> =>
  model.getWeights().map((weight) => Float32Array.from(weight.dataSync()))

const restore = (model: tf.LayersModel, values: ReadonlyArray<Float32Array>): void =>
  tf.tidy(() => model.setWeights(model.getWeights().map((weight, i) => tf.tensor(values[i], weight.shape))))

const judge = (
  model: tf.LayersModel,
  set: LabelledImages,
  options: TrainOptions,
  batchSize: number,
): Required<Pick<EpochFigures, "valLoss" | "valAccuracy" | "valMacroF1">> => {
  const classes = options.classNames.length
  const { logits, predicted } = predict(model, options.preprocessing, set.images, { batchSize })
  const all = Uint32Array.from({ length: set.images.count }, (_, i) => i)
  const even = options.classNames.map(() => 1)
  const { accuracy, macroF1 } = evaluate(set.labels, predicted, classes)
  return {
    valLoss: crossEntropy(logits, batchTargets(set.labels, all, even, 0), classes),
    valAccuracy: accuracy,
    valMacroF1: macroF1,
  }
}

/**
 * Train a classifier by stochastic gradient descent. The model ends with the weights of its best epoch. For one
 * seed, backend and thread count the result is the same to the bit.
 * @throws TrainingDataError, BalanceError, ImagesError before the first step, when the data don't fit;
 * TrainingDivergedError when the loss is no number any more; TrainingAbortedError on `signal`.
 */
export const trainClassifier = async (options: TrainOptions): Promise<TrainResult> => {
  const { model, training, validation, classNames, preprocessing, epochs, augmentation, signal } = options
  const {
    batchSize = 32,
    learningRate = 0.05,
    momentum = 0.9,
    nesterov = true,
    l2 = 1e-4,
    seed = 0,
  } = options
  const { labelSmoothing = 0, keepBest = "valMacroF1", readEvery = 8, warmupEpochs = 1 } = options
  const classes = classNames.length
  checkTrainingSet(training, classNames, batchSize)
  if (validation !== undefined && validation.labels.length !== validation.images.count)
    throw new TrainingDataError(
      `${validation.images.count} validation pictures but ${validation.labels.length} labels`,
    )
  if (model.outputs[0].shape[1] !== classes)
    throw new TrainingDataError(
      `the model has ${model.outputs[0].shape[1]} outputs, the set ${classes} classes`,
    )
  if (!Number.isInteger(epochs) || epochs < 1) throw new TrainingDataError(`epochs ${epochs}: 1 at least`)
  const classWeights = options.classWeights ?? classNames.map(() => 1)
  if (classWeights.length !== classes || !classWeights.every((w) => w > 0 && Number.isFinite(w)))
    throw new TrainingDataError(
      `class weights [${classWeights.join(", ")}]: one positive number for each of ${classes} classes`,
    )

  const { height, width, channels, count } = training.images
  const stepsPerEpoch = Math.ceil(count / batchSize)
  const rates = {
    base: learningRate,
    schedule: options.schedule ?? { kind: "cosine" as const },
    warmupSteps: Math.round(warmupEpochs * stepsPerEpoch),
    totalSteps: epochs * stepsPerEpoch,
  }
  const optimizer = sgd(model, { momentum, nesterov, l2 })
  const history: Array<EpochFigures> = []
  let best: EpochFigures | undefined
  let kept: Array<Float32Array> | undefined
  let step = 0
  let pending: Array<Pending> = []
  try {
    for (let epoch = 1; epoch <= epochs; epoch++) {
      const started = performance.now()
      let loss = 0
      let hits = 0
      let lr = learningRate
      const read = (): void => {
        for (const { logits, targets, batch } of pending) {
          const values = logits.dataSync()
          loss += crossEntropy(values, targets, classes)
          const predicted = argmaxRows(values, classes)
          for (const [row, sample] of batch.entries()) if (predicted[row] === training.labels[sample]) hits++
        }
        tf.dispose(pending.map(({ logits }) => logits))
        pending = []
        if (!Number.isFinite(loss))
          throw new TrainingDivergedError(
            `the loss is not a number any more (epoch ${epoch}, step ${step}, learning rate ${lr.toPrecision(3)}): ` +
              `try a learning rate of ${(learningRate / 10).toPrecision(2)}, more warm-up epochs, or class weights ` +
              `nearer to 1 (the largest is ${Math.max(...classWeights).toPrecision(3)})`,
          )
      }
      for (const batch of epochBatches(count, batchSize, { seed, epoch })) {
        if (signal?.aborted === true)
          throw new TrainingAbortedError(`training stopped in epoch ${epoch}, step ${step}`)
        lr = learningRateAt(step, rates)
        const images =
          augmentation === undefined
            ? selectImages(training.images, batch)
            : augmentBatch(training.images, batch, augmentation, { seed, epoch })
        const targets = batchTargets(training.labels, batch, classWeights, labelSmoothing)
        let output: tf.Tensor | undefined
        tf.tidy(() => {
          const x = tf.tensor4d(normalise(images, preprocessing), [batchSize, height, width, channels])
          const t = tf.tensor2d(targets, [batchSize, classes])
          optimizer.step(() => {
            const logits = tensorOf(model.apply(x, { training: true }))
            output = tf.keep(logits.clone())
            return tf.neg(tf.sum(tf.mul(t, tf.logSoftmax(logits)))).asScalar()
          }, lr)
        })
        flush()
        step++
        if (output !== undefined) pending.push({ logits: output, targets, batch })
        if (pending.length >= readEvery) read()
        // Lets the abort signal and messages of a worker's parent come through.
        await setImmediate()
      }
      read()
      const figures: EpochFigures = {
        epoch,
        loss: loss / stepsPerEpoch,
        accuracy: hits / (stepsPerEpoch * batchSize),
        ...(validation === undefined ? {} : judge(model, validation, options, batchSize)),
        lr,
      }
      history.push(figures)
      if (better(figures, best, keepBest)) {
        best = figures
        kept = epoch < epochs && validation !== undefined && keepBest !== "last" ? snapshot(model) : undefined
      }
      await options.onEpoch?.({ ...figures, ms: performance.now() - started })
    }
  } finally {
    tf.dispose(pending.map(({ logits }) => logits))
    optimizer.dispose()
  }
  if (kept !== undefined) restore(model, kept)
  return { bestEpoch: best?.epoch ?? epochs, history, steps: step }
}
