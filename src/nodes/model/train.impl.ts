import * as tf from "@tensorflow/tfjs"
import { useBackend } from "../../learning/backend.ts"
import { encodeModel } from "../../learning/model-file.ts"
import {
  buildNetwork,
  countParameters,
  type NetworkOptions,
  networkSpec,
} from "../../learning/networks/index.ts"
import { fitPreprocessing, perPicture } from "../../learning/preprocess.ts"
import type { Schedule } from "../../learning/schedule.ts"
import { type EpochFigures, trainClassifier } from "../../learning/train.ts"
import type { NodeContext, RunFunction } from "../../runtime/node.ts"
import type { Json } from "../../schema/json.ts"
import { generatedOf } from "./origin.ts"
import { loadPictures } from "./pictures.ts"
import type { inputs, outputs, TrainParams } from "./train.ts"
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

const SCHEDULES: Readonly<Record<TrainParams["schedule"], Schedule>> = {
  constant: { kind: "constant" },
  cosine: { kind: "cosine" },
  // The schedule of the DenseNet paper (Huang et al. 2017).
  step: { kind: "step", at: [0.5, 0.75], factor: 0.1 },
}

const toEpoch = (figures: EpochFigures): Epoch => ({
  epoch: figures.epoch,
  lr: figures.lr,
  train: { loss: figures.loss, accuracy: figures.accuracy },
  ...(figures.valLoss === undefined || figures.valAccuracy === undefined || figures.valMacroF1 === undefined
    ? {}
    : { val: { loss: figures.valLoss, accuracy: figures.valAccuracy, macroF1: figures.valMacroF1 } }),
})

const describe = (f: EpochFigures & { readonly ms: number }, epochs: number): string =>
  `epoch ${f.epoch}/${epochs}: loss ${f.loss.toFixed(4)}, accuracy ${f.accuracy.toFixed(3)}` +
  (f.valLoss === undefined
    ? ""
    : `; validation loss ${f.valLoss.toFixed(4)}, accuracy ${f.valAccuracy?.toFixed(3)}, macro-F1 ${f.valMacroF1?.toFixed(3)}`) +
  `; ${(f.ms / 1000).toFixed(1)} s`

const load = async (
  rows: ReadonlyArray<TrainingRow>,
  classes: ReadonlyArray<string>,
  params: TrainParams,
  context: NodeContext,
) => ({ images: await loadPictures(rows, params, context), labels: indicesOf(rows, classes) })

/** What is said of the training beside the architecture, which has its own place. */
const trainingOf = (params: TrainParams): Record<string, Json> => {
  const { epochs, batch, lr, schedule, warmup, momentum, nesterov, l2 } = params
  const { classWeights, labelSmoothing, keep, threads, backend, augment, normalize } = params
  const optimizer = { epochs, batch, lr, schedule, warmup, momentum, nesterov, l2 }
  return {
    ...optimizer,
    classWeights,
    labelSmoothing,
    keep,
    normalize,
    threads,
    backend,
    augment: { ...augment },
  }
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
  await useBackend(params.backend === "auto" ? "onnx" : params.backend, { threads: params.threads })
  context.log(
    `${params.model}: ${training.length} pictures to train on, ${validation.length} to validate, ${classes.length} classes`,
  )
  const trainingSet = await load(training, classes, params, context)
  const validationSet = validation.length === 0 ? undefined : await load(validation, classes, params, context)
  const classWeights = classWeightsOf(params.classWeights, training, trainingSet.labels, classes)
  const preprocessing =
    params.normalize === "picture" ? perPicture(params.channels) : fitPreprocessing(trainingSet.images)
  const model = buildNetwork(options)
  try {
    context.progress(0, params.epochs)
    const { bestEpoch, history } = await trainClassifier({
      model,
      training: trainingSet,
      validation: validationSet,
      classNames: classes,
      preprocessing,
      epochs: params.epochs,
      batchSize: params.batch,
      learningRate: params.lr,
      schedule: SCHEDULES[params.schedule],
      warmupEpochs: params.warmup,
      momentum: params.momentum,
      nesterov: params.nesterov && params.momentum > 0,
      l2: params.l2,
      classWeights,
      labelSmoothing: params.labelSmoothing,
      augmentation: params.augment,
      seed: context.seed,
      keepBest: params.keep === "best" ? "valMacroF1" : "last",
      signal: context.signal,
      onEpoch: (figures) => {
        context.log(describe(figures, params.epochs))
        context.progress(figures.epoch, params.epochs, `loss ${figures.loss.toFixed(3)}`)
      },
    })
    const file = encodeModel(model, { classNames: classes, preprocessing, network: spec })
    return {
      model: {
        name: params.model,
        network: { ...spec },
        training: trainingOf(params),
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
