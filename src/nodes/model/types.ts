import * as Schema from "effect/Schema"
import { json } from "../../schema/artifact.ts"
import { BlobRef } from "../../schema/blob.ts"

/** Loss and rates of one pass over a set. Rates are in [0, 1]; the loss is mean cross-entropy in nats. */
export const EpochMeasure = Schema.Struct({
  loss: Schema.Finite,
  accuracy: Schema.Finite,
  macroF1: Schema.optionalKey(Schema.Finite),
})
export type EpochMeasure = typeof EpochMeasure.Type

/** One epoch of training; `val` is absent where the data set has no validation split. */
export const Epoch = Schema.Struct({
  /** From 1. */
  epoch: Schema.Int,
  /** The learning rate of the epoch's last step. */
  lr: Schema.Finite,
  train: EpochMeasure,
  val: Schema.optionalKey(EpochMeasure),
})
export type Epoch = typeof Epoch.Type

/** How many rows of a class were originals, plain copies, and copies drawn anew by augmentation. */
export const ClassCount = Schema.Struct({
  original: Schema.Int,
  resampled: Schema.Int,
  augmented: Schema.Int,
})
export type ClassCount = typeof ClassCount.Type

/** What a picture goes through before it enters the network. */
export const Preprocessing = Schema.Struct({
  /** Side in pixels of the square input. */
  size: Schema.Int,
  /** 1 = grey, 3 = RGB. */
  channels: Schema.Literals([1, 3]),
  /** Per channel, on values in [0, 1]: input = (value − mean) / std. */
  mean: Schema.Array(Schema.Finite),
  std: Schema.Array(Schema.Finite),
  /** Each picture by its own mean and deviation instead (learning/preprocess.ts). */
  perPicture: Schema.optionalKey(Schema.Boolean),
})
export type Preprocessing = typeof Preprocessing.Type

/** A trained network: everything needed to use it, to judge it and to say where it came from. */
export const ModelValue = Schema.Struct({
  /** densenet40, resnet50 … */
  name: Schema.String,
  /** The architecture with its numbers (depth, growth, width …). */
  network: Schema.Record(Schema.String, Schema.Json),
  /** In the order of the outputs. */
  classes: Schema.Array(Schema.String),
  preprocessing: Preprocessing,
  /** The model file: weights with architecture, classes and preprocessing; usable alone. */
  weights: BlobRef,
  /** Trainable numbers. */
  parameters: Schema.Int,
  history: Schema.Array(Epoch),
  /** Parameters of the training as resolved (rate, epochs, augmentation …). */
  training: Schema.Record(Schema.String, Schema.Json),
  /** The epoch whose weights these are. */
  bestEpoch: Schema.Int,
  trainedOn: Schema.Record(Schema.String, ClassCount),
  /** Rows of the validation split per class. */
  validatedOn: Schema.Record(Schema.String, Schema.Int),
  /** Digest of the table it was trained on. */
  dataset: Schema.String,
  seed: Schema.Int,
  /** Loss weight per class as used, in the order of `classes`. */
  classWeights: Schema.Array(Schema.Finite),
  /** How much of the training data was drawn by a program: true = all, false = none. */
  generated: Schema.Union([Schema.Boolean, Schema.Literal("partly")]),
})
export type ModelValue = typeof ModelValue.Type

export const ClassMeasure = Schema.Struct({
  precision: Schema.Finite,
  recall: Schema.Finite,
  f1: Schema.Finite,
  support: Schema.Int,
})
export type ClassMeasure = typeof ClassMeasure.Type

/** The usual figures of a classification. All rates in [0, 1]. */
export const Figures = Schema.Struct({
  accuracy: Schema.Finite,
  /** Unweighted mean of the F1 of the classes that occur in the set. */
  macroF1: Schema.Finite,
  perClass: Schema.Record(Schema.String, ClassMeasure),
  /** Rows: true class, columns: predicted, both in the order of `classes`. */
  confusion: Schema.Array(Schema.Array(Schema.Int)),
})
export type Figures = typeof Figures.Type

/** What one model did on one set. */
export const Result = Schema.Struct({
  model: Schema.String,
  set: Schema.String,
  n: Schema.Int,
  ...Figures.fields,
  /** 95 % interval of the accuracy (Wilson score), low and high. */
  interval: Schema.Tuple([Schema.Finite, Schema.Finite]),
  classes: Schema.Array(Schema.String),
  generated: Schema.Union([Schema.Boolean, Schema.Literal("partly")]),
})
export type Result = typeof Result.Type

/**
 * All results of an evaluation. Beside `results` stand the figures where tools look for them: for a single result
 * accuracy, macroF1, perClass and confusion themselves, else one entry of these per `model × set`.
 */
export const EvaluationValue = Schema.StructWithRest(Schema.Struct({ results: Schema.Array(Result) }), [
  Schema.Record(Schema.String, Schema.Json),
])
export type EvaluationValue = typeof EvaluationValue.Type

/** A picture a visualization made, with what it shows. */
export const FeaturePicture = Schema.Struct({
  model: Schema.String,
  /** Layer's name; "logits" for the class outputs. */
  layer: Schema.String,
  /** Channel, or index of the class; absent where the whole layer was excited. */
  channel: Schema.optionalKey(Schema.Int),
  /** The class, for logits. */
  label: Schema.optionalKey(Schema.String),
  /** Of several pictures of one thing, from 0. */
  copy: Schema.Int,
  /** What was maximized (a logit, the channel's mean, the mean square of the layer), as the finished picture has it. */
  value: Schema.Finite,
  /** The same of the noise that it began as. */
  start: Schema.Finite,
  image: BlobRef,
  /** The samples that have most of it, most first: what `value` is to be compared with. */
  examples: Schema.Array(
    Schema.Struct({ sample: Schema.String, label: Schema.String, value: Schema.Finite, image: BlobRef }),
  ),
})
export type FeaturePicture = typeof FeaturePicture.Type

/** Where a network looked when it judged a sample (Grad-CAM): its input and the same with the map laid over. */
export const AttentionPicture = Schema.Struct({
  model: Schema.String,
  sample: Schema.String,
  label: Schema.String,
  predicted: Schema.String,
  /** Of the class predicted. */
  probability: Schema.Finite,
  input: BlobRef,
  /** The input with the map laid over it, by each method asked for. */
  overlays: Schema.Array(
    Schema.Struct({ method: Schema.Literals(["gradcam", "gradcam++"]), image: BlobRef }),
  ),
})
export type AttentionPicture = typeof AttentionPicture.Type

export const VisualizationValue = Schema.Struct({
  features: Schema.Array(FeaturePicture),
  attention: Schema.Array(AttentionPicture),
})
export type VisualizationValue = typeof VisualizationValue.Type

/** A trained network. */
export const Model = json<ModelValue>("Model", ModelValue)
/** Figures of one or several models on one or several sets. */
export const Evaluation = json<EvaluationValue>("Evaluation", EvaluationValue)
/** Pictures of what networks learnt. */
export const Visualization = json<VisualizationValue>("Visualization", VisualizationValue)
