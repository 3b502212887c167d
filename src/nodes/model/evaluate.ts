import * as Schema from "effect/Schema"
import { defineNode, list } from "../../runtime/node.ts"
import { Labelled, Predictions } from "../../schema/artifact.ts"
import { backendParam, settleBackend } from "./backend-param.ts"
import { param, whole } from "./param.ts"
import { Evaluation, Model } from "./types.ts"

export const EvaluateParams = Schema.Struct({
  split: param(
    Schema.Literals(["test", "all"]),
    "test",
    "of a set that has splits, judge its test rows only, or all; a set without splits is judged whole",
  ),
  batch: param(whole(1, 4096), 64, "pictures judged at a time"),
  threads: param(whole(1, 256), 2, "threads of the engine; part of the key, since sums depend on it"),
  backend: backendParam("tensor engine, as in model.train"),
})
export type EvaluateParams = typeof EvaluateParams.Type

export const inputs = { models: list(Model, { named: true }), sets: list(Labelled, { named: true }) }
export const outputs = { evaluation: Evaluation, predictions: Predictions }

export default defineNode({
  type: "model.evaluate",
  description:
    "Judge models on labelled pictures of faces: accuracy with its interval, macro-F1, per class, confusion, and every prediction. A table of several sets gives one result per set.",
  inputs,
  outputs,
  params: EvaluateParams,
  settle: settleBackend,
  resources: { cpu: 2 },
  exact: "same-machine",
  impl: () => import("./evaluate.impl.ts"),
})
