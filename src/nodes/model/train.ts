import * as Schema from "effect/Schema"
import { AUGMENTATION_POLICIES } from "../../learning/augmentation-policies.ts"
import { defineNode } from "../../runtime/node.ts"
import { Dataset } from "../../schema/artifact.ts"
import { backendParam, settleBackend } from "./backend-param.ts"
import { between, param, whole } from "./param.ts"
import { Model } from "./types.ts"

const range = Schema.Tuple([between(0, 10), between(0, 10)])

const Ranges = Schema.Struct({
  flip: param(between(0, 1), 0.5, "probability of a left–right mirror"),
  rotation: param(between(0, 180), 10, "largest rotation either way, degrees"),
  saturation: param(range, [0.5, 1.5], "range of the saturation factor; without effect on grey input"),
  brightness: param(range, [0.5, 1.5], "range of the brightness factor; [1, 1] turns it off"),
})

const Augment = Schema.Union([Schema.Literals(AUGMENTATION_POLICIES), Ranges])

export const TrainParams = Schema.Struct({
  model: param(Schema.Literals(["densenet40", "resnet50"]), "densenet40", "architecture"),
  depth: param(whole(7, 400), 40, "densenet40: layers, 4 more than a multiple of 3 (22, 31, 40 …)"),
  growth: param(whole(1, 128), 12, "densenet40: channels each layer adds"),
  blocks: param(
    Schema.Array(whole(1, 100)),
    [3, 4, 6, 3],
    "resnet50: bottleneck blocks per stage; [3, 4, 6, 3] are its 50 layers",
  ),
  width: param(between(0.01, 4), 1, "resnet50: multiplier of all channel counts"),
  stemStride: param(
    Schema.Literals([1, 2]),
    1,
    "resnet50, input up to 64 pixels: stride of the first convolution; 2 costs a quarter",
  ),
  size: param(whole(16, 512), 48, "side of the square input in pixels"),
  channels: param(Schema.Literals([1, 3]), 1, "1 = grey, 3 = RGB"),
  normalize: param(
    Schema.Literals(["picture", "set"]),
    "picture",
    "each picture by its own mean and deviation (light and skin say nothing about an expression), or all by those of the training split",
  ),
  classes: Schema.optionalKey(
    Schema.Array(Schema.String).annotate({
      description:
        "order of the outputs; default: the labels that occur, sorted. Rows of other labels are an error",
    }),
  ),
  epochs: param(whole(1, 10_000), 8, "passes over the training split"),
  batch: param(
    whole(1, 4096),
    32,
    "pictures per step; the last batch of an epoch is filled up from its beginning",
  ),
  lr: param(between(1e-9, 100), 0.05, "highest learning rate"),
  schedule: param(
    Schema.Literals(["constant", "cosine", "step", "plateau"]),
    "cosine",
    "after the warm-up: constant; a half cosine down to 0; step: times `factor` at 50 % and 75 % or after the epochs `milestones`; plateau: times `factor` after `plateau` epochs without anything better",
  ),
  milestones: Schema.optionalKey(
    Schema.Array(whole(1, 10_000)).annotate({
      description: "step: the rate is multiplied by `factor` after each of these epochs",
    }),
  ),
  factor: param(between(1e-6, 1), 0.1, "step, plateau: what the rate is multiplied by"),
  plateau: param(whole(1, 10_000), 5, "plateau: epochs in a row without anything better by `monitor`"),
  warmup: param(between(0, 1000), 1, "epochs (or part of one) in which the rate rises from near 0"),
  momentum: param(between(0, 0.9999), 0.9, "SGD momentum"),
  nesterov: param(Schema.Boolean, true, "Nesterov momentum"),
  l2: param(between(0, 1), 1e-4, "weight decay on kernels (not on batch norm, not on biases)"),
  clip: param(
    between(0, 1e9),
    0,
    "largest norm of all gradients together (before weight decay); larger ones are scaled down to it. 0 = no limit",
  ),
  classWeights: param(
    Schema.Literals(["none", "inverse", "effective-number", "from-dataset"]),
    "from-dataset",
    "loss weights: none, N/(C·n), effective number of samples, or the mean `weight` of the class's rows",
  ),
  beta: param(
    between(0, 0.999999),
    0.999,
    "classWeights effective-number: β; 0 weighs all alike, towards 1 it becomes inverse frequency",
  ),
  labelSmoothing: param(between(0, 0.9), 0, "share of the target spread over all classes"),
  focal: param(
    between(0, 10),
    0,
    "γ of the focal loss, which makes little of what is already known; 0 = cross-entropy, usual is 2",
  ),
  keep: param(
    Schema.Literals(["best", "last"]),
    "best",
    "weights of the epoch that is best by `monitor` on the validation split (the last one's without a split), or of the last",
  ),
  monitor: param(
    Schema.Literals(["macroF1", "loss"]),
    "macroF1",
    "figure of the validation split that says which epoch is better (without a split: the training loss)",
  ),
  patience: param(
    whole(0, 10_000),
    0,
    "stop after so many epochs in a row without anything better by `monitor`; 0 = never",
  ),
  checkpoint: param(
    whole(0, 10_000),
    1,
    "epochs between checkpoints, from which an interrupted or longer training goes on; 0 = none. Without influence on the result",
  ),
  workers: Schema.optionalKey(
    whole(0, 64).annotate({
      description:
        "threads that change pictures for the steps to come while the engine computes, and one batch more than them in memory; 0 = between the steps. Default: what the engine's threads leave of the processor, 4 at most (0 where nothing is changed). Without influence on the result",
    }),
  ),
  augment: param(
    Augment,
    {},
    "random changes of the training pictures, drawn anew each epoch: the name of a policy (none, flip, rotation, saturation, brightness, all) or the ranges one by one",
  ),
  seed: Schema.optionalKey(
    Schema.Int.annotate({
      description: "initial weights, order and augmentation; default: the document's seed",
    }),
  ),
  threads: param(whole(1, 256), 2, "threads of the engine; part of the key, since sums depend on it"),
  backend: backendParam(),
})
export type TrainParams = typeof TrainParams.Type

export const inputs = { dataset: Dataset }
export const outputs = { model: Model }

export default defineNode({
  type: "model.train",
  description:
    "Train DenseNet-40 or ResNet-50 on a data set's training split by SGD, with its validation split watched every epoch.",
  inputs,
  outputs,
  params: TrainParams,
  settle: settleBackend,
  seeded: true,
  freeParams: ["checkpoint", "workers"],
  resources: { cpu: 2 },
  exact: "same-machine",
  // The log says how long an epoch took; threads of this program's own make batches, as many as there are cores to
  // spare. No result has any of it.
  ambient: ["clock", "machine", "process"],
  impl: () => import("./train.impl.ts"),
})
