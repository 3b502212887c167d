import * as Schema from "effect/Schema"
import { defineNode, list, optional } from "../../runtime/node.ts"
import { Files, Images, Labelled, Predictions, Rejects } from "../../schema/artifact.ts"
import { Clusters } from "../image/dedupe.ts"
import { MapPoints, Neighbours } from "../model/inside-types.ts"
import { Comparison } from "../model/comparison.ts"
import { param, whole } from "../model/param.ts"
import { Evaluation, Model, Visualization } from "../model/types.ts"

export const ReportParams = Schema.Struct({
  title: param(Schema.String, "Facial expressions, from keywords to an evaluated model", "headline"),
  classes: Schema.optionalKey(
    Schema.Array(Schema.String).annotate({
      description: "order of the classes; default: that of the models",
    }),
  ),
  samplesPerClass: param(whole(0, 64), 12, "pictures shown of each class"),
  mistakes: param(whole(0, 200), 18, "most confident mistakes shown"),
  clusters: param(whole(0, 100), 12, "clusters of duplicates shown"),
  neighbours: param(
    whole(0, 100),
    6,
    "mistakes of each model shown beside the training pictures most alike to them",
  ),
  mapPictures: param(
    whole(0, 96),
    32,
    "side in pixels of the pictures that hovering on a map shows; 0 = none",
  ),
  thumbnail: param(whole(16, 256), 96, "side of the small pictures in pixels, shown smaller"),
})
export type ReportParams = typeof ReportParams.Type

export const inputs = {
  evaluation: Evaluation,
  predictions: Predictions,
  models: list(Model, { named: true }),
  /** What was found, before anything was dropped: sources, licences, yield per keyword. */
  found: optional(Images),
  /** The set before balancing: counts and sample grid. */
  /** The held-out pictures as they came, before faces were looked for: how many of them are judged at all. */
  tested: optional(Images),
  before: optional(Labelled),
  after: optional(Labelled),
  rejected: list(Rejects, { named: true }),
  /** Rows that deduplication took out, with their `cluster`. */
  duplicates: optional(Images),
  clusters: optional(Clusters),
  pictures: optional(Visualization),
  /** Sweeps and ablations. */
  comparisons: list(Comparison, { named: true, mayBeEmpty: true }),
  neighbours: optional(Neighbours),
  map: optional(MapPoints),
}
export const outputs = { page: Files }

export default defineNode({
  type: "report.html",
  description:
    "One self-contained page about data and models: sources, class counts, samples, duplicates, rejects, training curves, confusion matrices, mistakes, feature pictures, and the comparison with published results.",
  inputs,
  outputs,
  params: ReportParams,
  present: ["page"],
  impl: () => import("./html.impl.ts"),
})
