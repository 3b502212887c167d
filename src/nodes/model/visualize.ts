import * as Schema from "effect/Schema"
import { defineNode, list } from "../../runtime/node.ts"
import { Labelled } from "../../schema/artifact.ts"
import { param, whole } from "./param.ts"
import { Model, Visualization } from "./types.ts"

export const VisualizeParams = Schema.Struct({
  steps: param(whole(1, 4096), 96, "optimization steps per picture; 512 as published"),
  layers: Schema.optionalKey(
    Schema.Array(Schema.String).annotate({
      description: "layers to show; default: a low, a middle and the last one of each network",
    }),
  ),
  perLayer: param(whole(0, 64), 4, "channels shown of each layer, spread evenly"),
  logits: param(Schema.Boolean, true, "one picture per class, maximizing its output before the softmax"),
  attention: param(
    whole(0, 32),
    2,
    "Grad-CAM pictures per class and model: that many rightly judged samples, and the most confident mistake",
  ),
  size: param(whole(16, 512), 96, "side in pixels of the Grad-CAM pictures"),
  seed: Schema.optionalKey(
    Schema.Int.annotate({ description: "of the random start; default: the document's" }),
  ),
  threads: param(whole(1, 256), 2, "threads of the engine; part of the key, since sums depend on it"),
  backend: param(
    Schema.Literals(["auto", "onnx", "cpu", "tensorflow"]),
    "auto",
    "tensor engine, as in model.train",
  ),
})
export type VisualizeParams = typeof VisualizeParams.Type

export const inputs = { models: list(Model, { named: true }), samples: list(Labelled) }
export const outputs = { pictures: Visualization }

export default defineNode({
  type: "model.visualize",
  description:
    "Pictures of what networks learnt: inputs optimized for chosen channels and for each class, and where a network looked when it judged a sample (Grad-CAM).",
  inputs,
  outputs,
  params: VisualizeParams,
  seeded: true,
  resources: { cpu: 2 },
  exact: "same-machine",
  impl: () => import("./visualize.impl.ts"),
})
