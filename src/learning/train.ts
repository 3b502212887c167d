import * as tf from "@tensorflow/tfjs"
import { setImmediate } from "node:timers/promises"
import {
  batchTargets,
  checkTrainingSet,
  epochBatches,
  type LabelledImages,
  TrainingDataError,
} from "./dataset.ts"
import { openBatches } from "./input/batches.ts"
import { classificationLossOf } from "./loss.ts"
import { argmaxRows, evaluate } from "./metrics.ts"
import { predict } from "./predict.ts"
import { learningRateAt, scheduleOf } from "./schedule.ts"
import { bestEpoch, type EpochFigures, plateauReductions, stoppedAfter } from "./selection.ts"
import { sgd } from "./sgd.ts"
import type { TrainOptions, TrainResult } from "./train-options.ts"
import {
  CheckpointError,
  isOutOfMemory,
  TrainingAbortedError,
  TrainingDivergedError,
  TrainingMemoryError,
} from "./training-errors.ts"
import { trainingStep } from "./training-step.ts"
import { restoreState, setWeights, type TrainingState, velocitiesOf, weightsOf } from "./training-state.ts"

interface Pending {
  readonly logits: tf.Tensor
  readonly targets: Float32Array
  readonly batch: Uint32Array
}

const judge = (
  { model, preprocessing, classNames }: TrainOptions,
  set: LabelledImages,
  batchSize: number,
): Required<Pick<EpochFigures, "valLoss" | "valAccuracy" | "valMacroF1">> => {
  const classes = classNames.length
  const { logits, predicted } = predict(model, preprocessing, set.images, { batchSize })
  const all = Uint32Array.from({ length: set.images.count }, (_, i) => i)
  const even = classNames.map(() => 1)
  const { accuracy, macroF1 } = evaluate(set.labels, predicted, classes)
  return {
    valLoss: classificationLossOf(logits, batchTargets(set.labels, all, even, 0), classes),
    valAccuracy: accuracy,
    valMacroF1: macroF1,
  }
}

/** Everything that can be said before the first step. */
const check = (options: TrainOptions, batchSize: number, classWeights: ReadonlyArray<number>): void => {
  const { model, training, validation, classNames, epochs, resume, focalGamma = 0 } = options
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
  if (classWeights.length !== classes || !classWeights.every((w) => w > 0 && Number.isFinite(w)))
    throw new TrainingDataError(
      `class weights [${classWeights.join(", ")}]: one positive number for each of ${classes} classes`,
    )
  if (!(focalGamma >= 0 && Number.isFinite(focalGamma)))
    throw new TrainingDataError(`focal loss: γ = ${focalGamma}, a number from 0 on`)
  if (resume !== undefined && resume.history.length > epochs)
    throw new CheckpointError(
      `the checkpoint is of epoch ${resume.history.length}, the training has only ${epochs}`,
    )
}

/**
 * Train a classifier by stochastic gradient descent. The model ends with the weights of its best epoch. For one
 * seed, backend and thread count the result is the same to the bit, whether it was interrupted and resumed or not.
 * @throws TrainingDataError, BalanceError, ImagesError, CheckpointError before the first step, when the data or the
 * checkpoint don't fit; TrainingDivergedError when the loss is no number any more; TrainingMemoryError when a step
 * does not get its memory; InputThreadError when a thread cannot make a batch; TrainingAbortedError on `signal`.
 */
export const trainClassifier = async (options: TrainOptions): Promise<TrainResult> => {
  const { model, training, validation, classNames, preprocessing, epochs, augmentation, signal } = options
  const { batchSize = 32, learningRate = 0.05, momentum = 0.9, nesterov = true, l2 = 1e-4 } = options
  const { schedule = { kind: "cosine" }, warmupEpochs = 1, seed = 0, readEvery = 8, resume } = options
  const { labelSmoothing = 0, focalGamma = 0, monitor = "valMacroF1", patience, clipNorm } = options
  const classes = classNames.length
  const classWeights = options.classWeights ?? classNames.map(() => 1)
  check(options, batchSize, classWeights)

  const { height, width, channels, count } = training.images
  const rates = scheduleOf({ count, batchSize, epochs, learningRate, schedule, warmupEpochs })
  const { stepsPerEpoch } = rates
  const keepsBest = validation !== undefined && options.keep !== "last"
  const stopped = (): number | undefined =>
    patience === undefined ? undefined : stoppedAfter(history, monitor, patience)
  const optimizer = sgd(model, { momentum, nesterov, l2, clipNorm })
  /** Pictures, targets and rate to logits; the weights have moved. */
  const update = trainingStep(model, optimizer, focalGamma)
  const history: Array<EpochFigures> = [...(resume?.history ?? [])]
  let step = history.length * stepsPerEpoch
  let pending: Array<Pending> = []
  const input = await openBatches(
    { images: training.images, augmentation, preprocessing, batchSize, seed },
    { from: step, to: epochs * stepsPerEpoch, workers: options.workers ?? 0 },
  )
  try {
    if (resume !== undefined) restoreState(model, optimizer, resume)
    let best = keepsBest ? (resume?.best ?? resume?.weights) : undefined
    while (history.length < epochs && stopped() === undefined) {
      const epoch = history.length + 1
      const started = performance.now()
      const reduced =
        schedule.kind === "plateau"
          ? schedule.factor ** plateauReductions(history, monitor, schedule.patience)
          : 1
      let [loss, hits, lr, inputMs, batchOfEpoch] = [0, 0, learningRate, 0, 0]
      const where = (): string =>
        `epoch ${epoch}, batch ${batchOfEpoch} of ${stepsPerEpoch}, step ${step}, learning rate ${lr.toPrecision(3)}`
      const diverged = (what: string): TrainingDivergedError =>
        new TrainingDivergedError(
          `${what} is not a number any more (${where()}): ` +
            `try a learning rate of ${(learningRate / 10).toPrecision(2)}, more warm-up epochs, ` +
            `${clipNorm === undefined ? "gradient clipping" : "a lower limit of the gradient norm"}, or class weights ` +
            `nearer to 1 (the largest is ${Math.max(...classWeights).toPrecision(3)})`,
        )
      const read = (): void => {
        for (const { logits, targets, batch } of pending) {
          const values = logits.dataSync()
          loss += classificationLossOf(values, targets, classes, focalGamma)
          const predicted = argmaxRows(values, classes)
          for (const [row, sample] of batch.entries()) if (predicted[row] === training.labels[sample]) hits++
        }
        tf.dispose(pending.map(({ logits }) => logits))
        pending = []
        if (!Number.isFinite(loss)) throw diverged("the loss")
      }
      try {
        for (const batch of epochBatches(count, batchSize, { seed, epoch })) {
          if (signal?.aborted === true)
            throw new TrainingAbortedError(`training stopped in epoch ${epoch}, step ${step}`)
          lr = learningRateAt(step, rates) * reduced
          const asked = performance.now()
          const pixels = await input.next()
          const targets = batchTargets(training.labels, batch, classWeights, labelSmoothing)
          inputMs += performance.now() - asked
          const given = [
            tf.tensor4d(pixels, [batchSize, height, width, channels]),
            tf.tensor2d(targets, [batchSize, classes]),
            tf.scalar(lr),
          ] as const
          const logits = update(...given)
          tf.dispose([...given])
          step++
          batchOfEpoch++
          pending.push({ logits, targets, batch })
          if (pending.length >= readEvery) read()
          // Lets the abort signal and messages of a worker's parent come through.
          await setImmediate()
        }
        read()
      } catch (error) {
        if (!isOutOfMemory(error)) throw error
        throw new TrainingMemoryError(
          `not enough memory (${where()}; batches of ${batchSize} × ${height} × ${width} × ${channels}): try a ` +
            `smaller batch, smaller pictures or a smaller network, or fewer nodes at a time. The engine said: ${error.message}`,
        )
      }
      const figures: EpochFigures = {
        epoch,
        loss: loss / stepsPerEpoch,
        accuracy: hits / (stepsPerEpoch * batchSize),
        ...(validation === undefined ? {} : judge(options, validation, batchSize)),
        lr,
      }
      if (!Number.isFinite(figures.valLoss ?? 0)) throw diverged("the validation loss")
      history.push(figures)
      const isBest = bestEpoch(history, monitor) === figures
      const ends = history.length === epochs || stopped() !== undefined
      if (keepsBest && isBest) best = ends ? undefined : weightsOf(model)
      await options.onCheckpoint?.(epoch, (): TrainingState => {
        const velocities = velocitiesOf(optimizer)
        if (keepsBest && isBest)
          return { history: [...history], weights: best ?? weightsOf(model), velocities }
        return { history: [...history], weights: weightsOf(model), velocities, best }
      })
      await options.onEpoch?.({ ...figures, ms: performance.now() - started, inputMs })
    }
    if (best !== undefined) setWeights(model, best)
  } finally {
    tf.dispose(pending.map(({ logits }) => logits))
    optimizer.dispose()
    await input.close()
  }
  const kept = keepsBest ? bestEpoch(history, monitor) : history.at(-1)
  return {
    bestEpoch: kept?.epoch ?? epochs,
    history,
    steps: step,
    stoppedEarly: history.length < epochs,
  }
}
