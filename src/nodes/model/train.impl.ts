import { availableParallelism } from "node:os"
import * as tf from "@tensorflow/tfjs"
import { augmentationOf } from "../../learning/augmentation-policies.ts"
import { type Engine, useBackend } from "../../learning/backend.ts"
import { encodeModel } from "../../learning/model-file.ts"
import {
  buildNetwork,
  countParameters,
  type NetworkOptions,
  networkSpec,
} from "../../learning/networks/index.ts"
import { fitPreprocessing, perPicture } from "../../learning/preprocess.ts"
import type { Schedule } from "../../learning/schedule.ts"
import type { EpochFigures } from "../../learning/selection.ts"
import type { EpochTimes } from "../../learning/train-options.ts"
import { trainClassifier } from "../../learning/train.ts"
import type { NodeContext, RunFunction } from "../../runtime/node.ts"
import type { Json } from "../../schema/json.ts"
import { generatedOf } from "./origin.ts"
import { loadPictures } from "./pictures.ts"
import type { inputs, outputs, TrainParams } from "./train.ts"
import { openCheckpoints } from "./train-checkpoints.ts"
import {
  checkClasses,
  classesOf,
  classWeightsOf,
  countByKind,
  DatasetError,
  indicesOf,
  type TrainingRow,
} from "./training-set.ts"
import type { Epoch } from "./types.ts"

const scheduleOf = ({ schedule, milestones, factor, plateau }: TrainParams): Schedule => {
  if (schedule === "plateau") return { kind: "plateau", factor, patience: plateau }
  if (schedule !== "step") return { kind: schedule }
  if (milestones !== undefined) return { kind: "milestones", after: milestones, factor }
  // The schedule of the DenseNet paper (Huang et al. 2017).
  return { kind: "step", at: [0.5, 0.75], factor }
}

const toEpoch = (figures: EpochFigures): Epoch => ({
  epoch: figures.epoch,
  lr: figures.lr,
  train: { loss: figures.loss, accuracy: figures.accuracy },
  ...(figures.valLoss === undefined || figures.valAccuracy === undefined || figures.valMacroF1 === undefined
    ? {}
    : { val: { loss: figures.valLoss, accuracy: figures.valAccuracy, macroF1: figures.valMacroF1 } }),
})

const describe = (f: EpochFigures & EpochTimes, epochs: number): string =>
  `epoch ${f.epoch}/${epochs}: loss ${f.loss.toFixed(4)}, accuracy ${f.accuracy.toFixed(3)}` +
  (f.valLoss === undefined
    ? ""
    : `; validation loss ${f.valLoss.toFixed(4)}, accuracy ${f.valAccuracy?.toFixed(3)}, macro-F1 ${f.valMacroF1?.toFixed(3)}`) +
  `; ${(f.ms / 1000).toFixed(1)} s, ${((100 * f.inputMs) / f.ms).toFixed(1)} % of it waiting for input`

const load = async (
  rows: ReadonlyArray<TrainingRow>,
  classes: ReadonlyArray<string>,
  params: TrainParams,
  context: NodeContext,
) => ({
  images: await loadPictures(rows, { size: params.size, channels: params.channels, shared: true }, context),
  labels: indicesOf(rows, classes),
})

/** Threads for the input where the document does not say: see the parameter. */
const workersOf = ({ workers, threads, augment }: TrainParams): number =>
  workers ?? (augment === "none" ? 0 : Math.min(4, Math.max(0, availableParallelism() - threads)))

/** What is said of the training beside the architecture, which has its own place. */
const trainingOf = (params: TrainParams, { backend, device }: Engine): Record<string, Json> => {
  const { epochs, batch, lr, schedule, warmup, momentum, nesterov, l2 } = params
  const { classWeights, labelSmoothing, keep, threads, augment, normalize } = params
  const { milestones, factor, plateau, clip, beta, focal, monitor, patience } = params
  const optimizer = { epochs, batch, lr, schedule, warmup, momentum, nesterov, l2 }
  return {
    ...optimizer,
    classWeights,
    ...(classWeights === "effective-number" ? { beta } : {}),
    labelSmoothing,
    ...(schedule === "step" || schedule === "plateau" ? { factor } : {}),
    ...(schedule === "step" && milestones !== undefined ? { milestones } : {}),
    ...(schedule === "plateau" ? { plateau } : {}),
    ...(clip > 0 ? { clip } : {}),
    ...(focal > 0 ? { focal } : {}),
    ...(patience > 0 ? { patience } : {}),
    keep,
    monitor,
    normalize,
    threads,
    backend,
    ...(device === undefined ? {} : { device }),
    augment: { ...augmentationOf(augment) },
  }
}

/** What a training follows from, but for how long it goes on: its checkpoints are kept under this. */
const identityOf = (params: TrainParams, backend: string, dataset: string, seed: number): Json => {
  const free = new Set(["epochs", "patience", "checkpoint", "workers", "backend", "seed"])
  const rest = Object.entries(trainingParams(params)).filter(([name]) => !free.has(name))
  return { dataset, seed, backend, params: Object.fromEntries(rest) }
}

const trainingParams = (params: TrainParams): Readonly<Record<string, Json>> =>
  JSON.parse(JSON.stringify(params)) as Readonly<Record<string, Json>>

/** Copies of rare classes and weights for them do the same thing twice. */
const warnOfBoth = (params: TrainParams, rows: ReadonlyArray<TrainingRow>, context: NodeContext): void => {
  const { classWeights } = params
  if (classWeights !== "inverse" && classWeights !== "effective-number") return
  const copies = rows.filter((row) => row.copy !== undefined).length
  if (copies > 0)
    context.warn(
      `${copies} of ${rows.length} training rows are copies that even the classes out, and classWeights is ${classWeights}: ` +
        `its weights are of the counts with copies. Use one of the two, or from-dataset`,
    )
}

/** Trains one network; times go to the log only, so that equal inputs give an equal model. */
const train = (async ({ inputs, params, context }) => {
  const rows = await inputs.dataset.all()
  const training = rows.filter((row) => row.split === "train")
  const validation = rows.filter((row) => row.split === "val")
  if (training.length === 0)
    throw new DatasetError(
      `none of the ${rows.length} rows belongs to the training split: put a dataset.split before model.train`,
    )
  const classes = classesOf([...training, ...validation], params.classes)
  checkClasses(training, classes)
  const options: NetworkOptions = {
    name: params.model,
    size: params.size,
    channels: params.channels,
    classes: classes.length,
    seed: context.seed,
    ...(params.model === "densenet40"
      ? { depth: params.depth, growth: params.growth }
      : { blocks: params.blocks, width: params.width, stemStride: params.stemStride }),
  }
  const spec = networkSpec(options)
  const backend = params.backend === "auto" ? "onnx" : params.backend
  const engine = await useBackend(backend, { threads: params.threads })
  context.log(engine.text)
  context.log(
    `${params.model}: ${training.length} pictures to train on, ${validation.length} to validate, ${classes.length} classes`,
  )
  const trainingSet = await load(training, classes, params, context)
  const validationSet = validation.length === 0 ? undefined : await load(validation, classes, params, context)
  const classWeights = classWeightsOf(params.classWeights, training, trainingSet.labels, classes, params.beta)
  warnOfBoth(params, training, context)
  const preprocessing =
    params.normalize === "picture" ? perPicture(params.channels) : fitPreprocessing(trainingSet.images)
  const schedule = scheduleOf(params)
  const monitor = params.monitor === "loss" ? "valLoss" : "valMacroF1"
  const patience = params.patience > 0 ? params.patience : undefined
  const checkpoints = await openCheckpoints(context, {
    of: identityOf(params, backend, inputs.dataset.digest, context.seed),
    basis: {
      count: training.length,
      batchSize: params.batch,
      epochs: params.epochs,
      learningRate: params.lr,
      schedule,
      warmupEpochs: params.warmup,
    },
    monitor,
    patience,
    every: params.checkpoint,
  })
  const model = buildNetwork(options)
  try {
    context.progress(checkpoints.resume?.history.length ?? 0, params.epochs)
    const { bestEpoch, history, stoppedEarly } = await trainClassifier({
      model,
      training: trainingSet,
      validation: validationSet,
      classNames: classes,
      preprocessing,
      epochs: params.epochs,
      batchSize: params.batch,
      learningRate: params.lr,
      schedule,
      warmupEpochs: params.warmup,
      momentum: params.momentum,
      nesterov: params.nesterov && params.momentum > 0,
      l2: params.l2,
      clipNorm: params.clip > 0 ? params.clip : undefined,
      classWeights,
      labelSmoothing: params.labelSmoothing,
      focalGamma: params.focal,
      augmentation: augmentationOf(params.augment),
      seed: context.seed,
      workers: workersOf(params),
      monitor,
      keep: params.keep,
      patience,
      resume: checkpoints.resume,
      onCheckpoint: checkpoints.save,
      signal: context.signal,
      onEpoch: (figures) => {
        context.log(describe(figures, params.epochs))
        context.progress(figures.epoch, params.epochs, `loss ${figures.loss.toFixed(3)}`)
      },
    })
    if (stoppedEarly)
      context.log(
        `stopped after epoch ${history.length} of ${params.epochs}: ${params.patience} epochs in a row brought nothing better; the best was epoch ${bestEpoch}`,
      )
    const file = encodeModel(model, { classNames: classes, preprocessing, network: spec })
    return {
      model: {
        name: params.model,
        network: { ...spec },
        training: trainingOf(params, engine),
        classes,
        preprocessing: { size: params.size, channels: params.channels, ...preprocessing },
        weights: await context.blobs.put(file, "application/x-safetensors"),
        parameters: countParameters(model),
        history: history.map(toEpoch),
        bestEpoch,
        trainedOn: countByKind(training, classes),
        validatedOn: Object.fromEntries(
          classes.map((name) => [name, validation.filter((row) => row.label === name).length]),
        ),
        dataset: inputs.dataset.digest,
        seed: context.seed,
        classWeights,
        generated: generatedOf([...training, ...validation]),
      },
    }
  } finally {
    model.dispose()
    tf.disposeVariables()
  }
}) satisfies RunFunction<typeof inputs, typeof outputs, TrainParams>

export default train
