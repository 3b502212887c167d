import * as Schema from "effect/Schema"
import { defineNode, list, optional } from "../../runtime/node.ts"
import { Files, Labelled } from "../../schema/artifact.ts"
import { param, whole } from "./param.ts"
import { Evaluation, Model } from "./types.ts"

export const ExportParams = Schema.Struct({
  pixels: param(
    Schema.Literals(["uint8", "float32"]),
    "uint8",
    "ONNX: element type of the input; values are 0 to 255 either way",
  ),
  layout: param(
    Schema.Literals(["nhwc", "nchw"]),
    "nhwc",
    "ONNX: order of the input's dimensions, channels last or before height and width",
  ),
  licence: Schema.optionalKey(
    Schema.String.annotate({ description: "licence of the models, for their cards; default: not stated" }),
  ),
  use: Schema.optionalKey(
    Schema.String.annotate({ description: "what the models are meant for, for their cards" }),
  ),
  threads: param(
    whole(1, 256),
    2,
    "threads of the engine that runs the files once for comparison; doesn't change the result",
  ),
})
export type ExportParams = typeof ExportParams.Type

export const inputs = {
  models: list(Model, { named: true }),
  /** Figures for the cards: those of models of the same name. */
  evaluation: optional(Evaluation),
  /** For the cards: licences and sources of what a model was trained on, recognized by its digest. */
  data: list(Labelled, { mayBeEmpty: true }),
}
export const outputs = { files: Files }

export default defineNode({
  type: "model.export",
  description:
    "Models as files for elsewhere: ONNX and tfjs LayersModel with preprocessing and class names inside, each run once beside the model itself, and a model card.",
  inputs,
  outputs,
  params: ExportParams,
  freeParams: ["threads"],
  present: ["files"],
  resources: { cpu: 2 },
  impl: () => import("./export.impl.ts"),
})
