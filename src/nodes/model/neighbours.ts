import * as Schema from "effect/Schema"
import { defineNode } from "../../runtime/node.ts"
import { Embeddings, Neighbours } from "./inside-types.ts"
import { param, whole } from "./param.ts"

export const NeighboursParams = Schema.Struct({
  k: param(whole(1, 1000), 5, "training pictures for each sample"),
  samples: param(
    whole(0, 10_000_000),
    24,
    "test samples per model: wrong answers, the surest first, then right ones, the least sure first; 0 = all",
  ),
})
export type NeighboursParams = typeof NeighboursParams.Type

export const inputs = { embeddings: Embeddings }
export const outputs = { neighbours: Neighbours }

export default defineNode({
  type: "model.neighbours",
  description:
    "The training pictures that a network finds most alike to a test picture (cosine similarity of embeddings): what a verdict may rest on, and where labels may be at fault.",
  inputs,
  outputs,
  params: NeighboursParams,
  impl: () => import("./neighbours.impl.ts"),
})
