import * as Schema from "effect/Schema"
import { defineNode, list } from "../../runtime/node.ts"
import { Labelled } from "../../schema/artifact.ts"
import { Embeddings } from "./inside-types.ts"
import { backendParam, settleBackend } from "./backend-param.ts"
import { param, whole } from "./param.ts"
import { Model } from "./types.ts"

export const EmbedParams = Schema.Struct({
  perClass: param(
    whole(0, 10_000_000),
    0,
    "pictures of each class, set and split at most, chosen by the digests of their ids; 0 = all",
  ),
  batch: param(whole(1, 4096), 64, "pictures at a time"),
  threads: param(whole(1, 256), 2, "threads of the engine; part of the key, since sums depend on it"),
  backend: backendParam("tensor engine, as in model.train"),
})
export type EmbedParams = typeof EmbedParams.Type

export const inputs = { models: list(Model, { named: true }), sets: list(Labelled) }
export const outputs = { embeddings: Embeddings }

export default defineNode({
  type: "model.embed",
  description:
    "What networks make of pictures just before they decide (the input of the last layer), with their verdicts. Copies made by resampling are left out. For model.neighbours and model.map.",
  inputs,
  outputs,
  params: EmbedParams,
  settle: settleBackend,
  resources: { cpu: 2 },
  exact: "same-machine",
  impl: () => import("./embed.impl.ts"),
})
