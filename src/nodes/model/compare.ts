import * as Schema from "effect/Schema"
import { defineNode, list } from "../../runtime/node.ts"
import { Files } from "../../schema/artifact.ts"
import { Comparison } from "./comparison.ts"
import { param } from "./param.ts"
import { Evaluation, Model } from "./types.ts"

const Value = Schema.Union([Schema.String, Schema.Finite, Schema.Boolean])

export const CompareParams = Schema.Struct({
  over: param(Schema.String, "seed", "axis of the repetitions, of which means and intervals are taken"),
  apart: param(
    Schema.Array(Schema.String),
    ["model"],
    "axes whose values do not compete: the best setting is named for each of them",
  ),
  baseline: Schema.optionalKey(
    Schema.Record(Schema.String, Value).annotate({
      description:
        "axis and value (`{ augment: none }`) that the others are compared with, pair by pair of equal repetitions and otherwise equal settings",
    }),
  ),
})
export type CompareParams = typeof CompareParams.Type

export const inputs = {
  evaluations: list(Evaluation),
  /** For the figures of the validation split, by which the best setting is named. */
  models: list(Model, { named: true, mayBeEmpty: true }),
}
export const outputs = { comparison: Comparison, table: Files }

export default defineNode({
  type: "model.compare",
  description:
    "Compare the instances of a matrix (a sweep, an ablation): accuracy and macro-F1 of each setting as mean and 95 % interval over its repetitions, and paired differences from a baseline.",
  inputs,
  outputs,
  params: CompareParams,
  present: ["table"],
  impl: () => import("./compare.impl.ts"),
})
