import * as Schema from "effect/Schema"
import { defineNode, sameAs } from "../../runtime/node.ts"
import { JsonArtifact, Labelled, Rejects } from "../../schema/artifact.ts"
import { between, param, whole } from "../model/param.ts"

export const Params = Schema.Struct({
  strategy: param(
    Schema.Literals(["none", "down", "over", "inverse", "effective-number"]),
    "effective-number",
    "down: drop from large classes; over: copy within small ones; inverse, effective-number: loss weights per class",
  ),
  target: param(
    Schema.Union([Schema.Literals(["auto", "min", "median", "mean", "max"]), whole(1, 10_000_000)]),
    "auto",
    "down, over: pictures per class to come to; auto = the smallest class (down), the largest (over)",
  ),
  maxCopies: param(whole(0, 10_000), 20, "over: most copies of one picture"),
  copies: param(
    Schema.Literals(["resampled", "augmented"]),
    "augmented",
    "over: what the copies are counted as; augmented = training changes each at random",
  ),
  beta: param(between(0, 0.999999), 0.999, "effective-number: β of (1 − β)/(1 − βⁿ)"),
  seed: Schema.optionalKey(Schema.Int.annotate({ description: "default: the document's seed" })),
})
export type Params = typeof Params.Type

export const inputs = { dataset: Labelled }
export const outputs = { dataset: sameAs("dataset"), counts: JsonArtifact, dropped: Rejects }

export default defineNode({
  type: "dataset.balance",
  description:
    "Even out the classes of the training split (all rows, where there is no split); validation and test pass unchanged. Originals, resampled and augmented copies are counted apart.",
  inputs,
  outputs,
  params: Params,
  seeded: true,
  impl: () => import("./balance.impl.ts"),
})
