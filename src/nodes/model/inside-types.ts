import * as Schema from "effect/Schema"
import { table } from "../../schema/artifact.ts"
import { BlobRef } from "../../schema/blob.ts"
import { Split } from "../../schema/sample.ts"

const judged = {
  id: Schema.String,
  /** Sample judged, its picture, its set and part, and the model by its node's name. */
  sample: Schema.String,
  image: BlobRef,
  model: Schema.String,
  set: Schema.String,
  split: Split,
  label: Schema.String,
  predicted: Schema.String,
  /** Of the class predicted. */
  probability: Schema.Finite,
}

/** A sample as a network sees it just before it decides. */
export const Embedded = Schema.Struct({
  ...judged,
  /** The embeddings of a model and a set: safetensors, `embeddings` [rows, dimensions], float32. */
  vectors: BlobRef,
  /** Its row there. */
  index: Schema.Int,
})
export type Embedded = typeof Embedded.Type

/** A training picture near to a judged sample; one row for each of its `k` nearest. */
export const Neighbour = Schema.Struct({
  ...judged,
  /** From 1, the nearest first. */
  rank: Schema.Int,
  /** The training sample. */
  neighbour: Schema.String,
  neighbourImage: BlobRef,
  neighbourSet: Schema.String,
  neighbourLabel: Schema.String,
  /** Cosine of the two embeddings, −1 to 1. */
  similarity: Schema.Finite,
})
export type Neighbour = typeof Neighbour.Type

/** A sample's place on the map of a model's embeddings. The axes have no meaning of their own. */
export const MapPoint = Schema.Struct({ ...judged, x: Schema.Finite, y: Schema.Finite })
export type MapPoint = typeof MapPoint.Type

export const Embeddings = table("Embeddings", Embedded)
export const Neighbours = table("Neighbours", Neighbour)
export const MapPoints = table("MapPoints", MapPoint)
