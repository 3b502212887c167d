import * as Schema from "effect/Schema"
import { defineNode } from "../../runtime/node.ts"
import { Metrics } from "../../schema/artifact.ts"
import { Embeddings, MapPoints } from "./inside-types.ts"
import { between, param, whole } from "./param.ts"

export const MapParams = Schema.Struct({
  method: param(
    Schema.Literals(["tsne", "pca"]),
    "tsne",
    "tsne: neighbours stay neighbours, distances between groups mean little; pca: the two axes of largest variance",
  ),
  test: param(whole(0, 5000), 600, "test pictures on the map at most, evenly by class"),
  train: param(whole(0, 5000), 300, "training pictures on the map at most, evenly by class"),
  dimensions: param(whole(2, 1000), 50, "tsne: principal components it starts from"),
  perplexity: param(
    between(2, 1000),
    30,
    "tsne: how many neighbours count, about; at most a third of the points",
  ),
  iterations: param(whole(1, 100_000), 1000, "tsne: steps"),
  seed: Schema.optionalKey(
    Schema.Int.annotate({
      description: "tsne: tells points apart that start at one place; default: the document's",
    }),
  ),
})
export type MapParams = typeof MapParams.Type

export const inputs = { embeddings: Embeddings }
export const outputs = { map: MapPoints, quality: Metrics }

export default defineNode({
  type: "model.map",
  description:
    "Embeddings as a map: test pictures and a sample of the training pictures on a plane, near where the network finds them alike (PCA, then t-SNE), and how far the map can be trusted.",
  inputs,
  outputs,
  params: MapParams,
  seeded: true,
  // Exponentials and logarithms may differ in the last bit between processors, and steps multiply that.
  exact: "same-machine",
  impl: () => import("./map.impl.ts"),
})
