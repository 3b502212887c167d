import * as Schema from "effect/Schema"
import { defineNode, list } from "../../runtime/node.ts"
import { Labelled } from "../../schema/artifact.ts"
import { backendParam, settleBackend } from "./backend-param.ts"
import { between, param, whole } from "./param.ts"
import { Model, Visualization } from "./types.ts"

export const VisualizeParams = Schema.Struct({
  steps: param(whole(1, 16_384), 512, "optimization steps per picture; 512 as published"),
  layers: Schema.optionalKey(
    Schema.Array(Schema.String).annotate({
      description: "layers to show; default: a low, a middle and the last one of each network",
    }),
  ),
  perLayer: param(whole(0, 4096), 4, "channels shown of each layer, spread evenly"),
  channels: Schema.optionalKey(
    Schema.Record(Schema.String, Schema.Array(whole(0, 1_000_000))).annotate({
      description: "layer → the channels to show, in place of those spread evenly",
    }),
  ),
  wholeLayers: param(
    Schema.Boolean,
    false,
    "one picture of each layer as a whole, too (DeepDream's objective)",
  ),
  logits: param(Schema.Boolean, true, "one picture per class, maximizing its output before the softmax"),
  canvas: Schema.optionalKey(
    whole(8, 1024).annotate({
      description:
        "side in pixels of the pictures that the network looks at while they are made; default: its input size",
    }),
  ),
  print: param(whole(1, 16), 4, "pixels of the finished picture for each of those, a side"),
  power: Schema.optionalKey(
    between(0, 4).annotate({
      description: "the spectrum falls off as 1/f^power; default: 1 as published, 1.5 below 96 pixels",
    }),
  ),
  variation: param(between(0, 1000), 5, "weight of the total variation, against grain"),
  copies: param(whole(1, 16), 1, "pictures of each channel and class"),
  diversity: param(between(0, 100), 0, "weight by which copies are kept from being alike"),
  examples: param(whole(0, 32), 3, "samples that excite a channel or class most, shown beside its picture"),
  attention: param(
    whole(0, 32),
    2,
    "Grad-CAM pictures per class and model: that many rightly judged samples, and the most confident mistake",
  ),
  gradcam: param(
    Schema.Literals(["gradcam", "gradcam++", "both"]),
    "both",
    "how Grad-CAM weighs activation maps; gradcam++ finds all of several places and leaves out what speaks against the class",
  ),
  size: param(whole(16, 512), 96, "side in pixels of the Grad-CAM pictures"),
  seed: Schema.optionalKey(
    Schema.Int.annotate({ description: "of the random start; default: the document's" }),
  ),
  threads: param(whole(1, 256), 2, "threads of the engine; part of the key, since sums depend on it"),
  backend: backendParam("tensor engine, as in model.train"),
})
export type VisualizeParams = typeof VisualizeParams.Type

export const inputs = { models: list(Model, { named: true }), samples: list(Labelled) }
export const outputs = { pictures: Visualization }

export default defineNode({
  type: "model.visualize",
  description:
    "Pictures of what networks learnt: inputs optimized for chosen channels and for each class, and where a network looked when it judged a sample (Grad-CAM, Grad-CAM++).",
  inputs,
  outputs,
  params: VisualizeParams,
  settle: settleBackend,
  seeded: true,
  resources: { cpu: 2 },
  exact: "same-machine",
  // The log says what CPU time a picture took; no result has it.
  ambient: ["clock"],
  impl: () => import("./visualize.impl.ts"),
})
