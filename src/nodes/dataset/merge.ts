import * as Schema from "effect/Schema"
import { defineNode, list } from "../../runtime/node.ts"
import { Images, Labelled, Rejects } from "../../schema/artifact.ts"
import { param } from "../model/param.ts"

export const Params = Schema.Struct({
  classes: Schema.optionalKey(
    Schema.Array(Schema.String).annotate({
      description:
        "the ontology: labels that are neither of it nor mapped to it are rejected; default: any label passes",
    }),
  ),
  labels: param(
    Schema.Record(Schema.String, Schema.NullOr(Schema.String)),
    {},
    "foreign label → class; null drops its pictures. Usual forms (angry, happy, sad …) are known",
  ),
})
export type Params = typeof Params.Type

export const inputs = { sets: list(Images, { named: true }) }
export const outputs = { images: Labelled, rejected: Rejects }

export default defineNode({
  type: "dataset.merge",
  description:
    "One labelled set of several: labels translated into one ontology; source, licence and given split kept per picture.",
  inputs,
  outputs,
  params: Params,
  impl: () => import("./merge.impl.ts"),
})
