import * as Schema from "effect/Schema"
import { defineNode, sameAs } from "../../runtime/node.ts"
import { JsonArtifact, Labelled } from "../../schema/artifact.ts"
import { Split } from "../../schema/sample.ts"
import { between, param } from "../model/param.ts"

export const Params = Schema.Struct({
  train: param(between(0, 1), 0.8, "part for training"),
  val: param(between(0, 1), 0.1, "part for validation; the rest is for testing"),
  seed: Schema.optionalKey(Schema.Int.annotate({ description: "default: the document's seed" })),
  given: param(
    Schema.Record(Schema.String, Split),
    {},
    "splits that the source states and that are kept, such as {Training: train, PublicTest: val, PrivateTest: test}",
  ),
})
export type Params = typeof Params.Type

export const inputs = { dataset: Labelled }
export const outputs = { dataset: sameAs("dataset", "split"), counts: JsonArtifact }

export default defineNode({
  type: "dataset.split",
  description:
    "Split into train, val and test so that one person, one cluster of duplicates and one parent picture are never on two sides; stratified by label; a picture more moves next to none of the others.",
  inputs,
  outputs,
  params: Params,
  seeded: true,
  impl: () => import("./split.impl.ts"),
})
