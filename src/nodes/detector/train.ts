import * as Schema from "effect/Schema"
import { defineNode } from "../../runtime/node.ts"
import { backendParam, settleBackend } from "../model/backend-param.ts"
import { between, param, whole } from "../model/param.ts"
import { Network, Windows } from "./types.ts"

const range = Schema.Tuple([between(0, 10), between(0, 10)])

const Augment = Schema.Struct({
  saturation: param(range, [0.5, 1.5], "range of the saturation factor"),
  brightness: param(range, [0.6, 1.4], "range of the brightness factor"),
})

export const Params = Schema.Struct({
  steps: param(whole(1, 10_000_000), 2000, "gradient steps"),
  batch: param(
    whole(6, 65_536),
    384,
    "windows per step: positive : part : landmark : negative as 1 : 1 : 1 : 3",
  ),
  optimizer: param(
    Schema.Literals(["sgd", "adam"]),
    "sgd",
    "sgd: with momentum, as published; adam: needs far fewer steps (with a rate near 0.002)",
  ),
  lr: param(between(1e-9, 10), 0.01, "highest learning rate"),
  schedule: param(
    Schema.Literals(["step", "cosine", "constant"]),
    "step",
    "after the warm-up: divided by 10 at each share of `stepsAt`, a half cosine down to 0, or constant",
  ),
  stepsAt: param(
    Schema.Array(between(0, 1)),
    [0.27, 0.64, 0.91],
    "schedule: step: when the rate drops, as shares of the training (epochs 6, 14 and 20 of 22)",
  ),
  momentum: param(between(0, 0.9999), 0.9, "sgd: momentum, without Nesterov's change"),
  l2: param(between(0, 1), 4e-5, "weight decay on kernels; decoupled with adam"),
  batchNorm: param(
    Schema.Boolean,
    false,
    "normalise before every PReLU while training, folded into the layers afterwards: several times fewer steps",
  ),
  dropout: param(between(0, 0.9), 0.25, "onet: share of the fully connected outputs set to 0 in training"),
  lossWeights: Schema.optionalKey(
    Schema.Tuple([between(0, 1000), between(0, 1000), between(0, 1000)]).annotate({
      description: "of class, box and landmarks; default 1, 0.5, 0.5, for onet 1, 0.5, 1, as published",
    }),
  ),
  hardShare: param(
    between(0.01, 1),
    0.7,
    "share of positives and negatives learned from: those with the largest loss",
  ),
  augment: param(Augment, {}, "random changes of the windows, drawn anew each time"),
  seed: Schema.optionalKey(
    Schema.Int.annotate({ description: "initial weights and order; default: the document's seed" }),
  ),
  threads: param(whole(1, 256), 2, "threads of the engine; part of the key, since sums depend on it"),
  backend: backendParam(),
})
export type Params = typeof Params.Type

export const inputs = { windows: Windows }
export const outputs = { network: Network }

export default defineNode({
  type: "detector.train",
  description:
    "Train one of the three networks of the face detector (MTCNN) on its windows: SGD with momentum, learning from the hardest windows of each batch.",
  inputs,
  outputs,
  params: Params,
  settle: settleBackend,
  seeded: true,
  resources: { cpu: 2 },
  exact: "same-machine",
  // The log says how long a stretch of steps took; no result has it.
  ambient: ["clock"],
  impl: () => import("./train.impl.ts"),
})
