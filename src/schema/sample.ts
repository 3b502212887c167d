import * as Schema from "effect/Schema"
import { BlobRef } from "./blob.ts"

/** Where a sample came from. Enough to find it again, to credit it and to remove it on request. */
export const Source = Schema.Struct({
  kind: Schema.Literals(["crawl", "file", "generated"]),
  /** Address of the original bytes, or `path#row` for a row of a file of the project (relative to it). */
  url: Schema.String,
  /** The page a person would look at. */
  page: Schema.optionalKey(Schema.String),
  engine: Schema.optionalKey(Schema.String),
  query: Schema.optionalKey(Schema.String),
  /** Set where the pictures were drawn by a program and show nobody. */
  generated: Schema.optionalKey(Schema.Boolean),
})
export type Source = typeof Source.Type

export const Licence = Schema.Struct({
  name: Schema.String,
  url: Schema.optionalKey(Schema.String),
  author: Schema.optionalKey(Schema.String),
})
export type Licence = typeof Licence.Type

/** One face found in a picture. Pixels of the parent picture, origin at its upper left corner. */
export const Face = Schema.Struct({
  /** x1, y1, x2, y2 */
  box: Schema.Tuple([Schema.Finite, Schema.Finite, Schema.Finite, Schema.Finite]),
  /** 0 to 1 */
  score: Schema.Finite,
  /** left eye, right eye, nose, left and right corner of the mouth: left as seen in the picture */
  landmarks: Schema.Array(Schema.Tuple([Schema.Finite, Schema.Finite])),
  /** which face of the picture, best score first, and how many it has */
  index: Schema.Int,
  count: Schema.Int,
  /**
   * Area of its box over that of the largest other face of the picture: 1 or more for the largest (of equal ones the
   * best), below 1 for all others; absent where it is the only one.
   */
  dominance: Schema.optionalKey(Schema.Finite),
  /** Set where `image` is the crop of this face and no longer the picture it was found in. */
  crop: Schema.optionalKey(Schema.Boolean),
})
export type Face = typeof Face.Type

export const Split = Schema.Literals(["train", "val", "test"])
export type Split = typeof Split.Type

/**
 * A row of every data set. `id` names the sample through the whole pipeline: nodes that keep a sample keep its
 * id; one that makes several of one (faces of a picture, resampled copies) appends to it (`id#0`, `id~1`) and
 * sets `parent`.
 */
export const Sample = Schema.Struct({
  id: Schema.String,
  parent: Schema.optionalKey(Schema.String),
  image: BlobRef,
  width: Schema.optionalKey(Schema.Int),
  height: Schema.optionalKey(Schema.Int),
  /** The data set it belongs to (crawl, fer2013, ckplus …). */
  set: Schema.String,
  source: Source,
  licence: Schema.optionalKey(Licence),
  /** The class, in the words of the pipeline's ontology. */
  label: Schema.optionalKey(Schema.String),
  /** All labels claimed for it, with who claimed them (query, file …); more than one means a conflict. */
  claims: Schema.optionalKey(Schema.Array(Schema.Struct({ label: Schema.String, by: Schema.String }))),
  /** Who is on the picture, where the source tells (never derived from the face). */
  subject: Schema.optionalKey(Schema.String),
  /** The split the source itself states (Usage of FER2013 …). */
  givenSplit: Schema.optionalKey(Schema.String),
  split: Schema.optionalKey(Split),
  face: Schema.optionalKey(Face),
  /** Perceptual hash, 16 hex digits. */
  phash: Schema.optionalKey(Schema.String),
  /** Id of the cluster of duplicates it belongs to (the id of the member kept). */
  cluster: Schema.optionalKey(Schema.String),
  /** Loss weight, 1 when absent. */
  weight: Schema.optionalKey(Schema.Finite),
  /** Set on a copy made by resampling: original stays apart from resampled and augmented in every count. */
  copy: Schema.optionalKey(
    Schema.Struct({ kind: Schema.Literals(["resampled", "augmented"]), index: Schema.Int }),
  ),
  /** Small measures of the picture: sharpness, luminance … */
  quality: Schema.optionalKey(Schema.Record(Schema.String, Schema.Finite)),
})
export type Sample = typeof Sample.Type

/** What a node dropped, and why. `reason` is a short, countable slug; `detail` is for a person. */
export const Reject = Schema.Struct({
  id: Schema.String,
  reason: Schema.String,
  detail: Schema.optionalKey(Schema.String),
  url: Schema.optionalKey(Schema.String),
  image: Schema.optionalKey(BlobRef),
  label: Schema.optionalKey(Schema.String),
})
export type Reject = typeof Reject.Type

/** What a model said of a sample. */
export const Prediction = Schema.Struct({
  id: Schema.String,
  /** Sample judged, and the model and set by their node names. */
  sample: Schema.String,
  image: BlobRef,
  model: Schema.String,
  set: Schema.String,
  label: Schema.String,
  predicted: Schema.String,
  /** Probability per class, in the order of the model's classes. */
  probabilities: Schema.Array(Schema.Finite),
})
export type Prediction = typeof Prediction.Type
