import * as Schema from "effect/Schema"
import { json, table } from "../../schema/artifact.ts"
import { BlobRef } from "../../schema/blob.ts"

/** The stages of the cascade, in their order: proposal, refinement, output. */
export const stages = ["pnet", "rnet", "onet"] as const
export const Stage = Schema.Literals(stages)
export type Stage = typeof Stage.Type

const Point = Schema.Tuple([Schema.Finite, Schema.Finite])

/** A face of a scene. Pixels of the picture; its top left pixel covers 0 to 1 both ways; may reach outside. */
export const SceneFace = Schema.Struct({
  /** x1, y1, x2, y2: hairline to chin, cheek to cheek. */
  box: Schema.Tuple([Schema.Finite, Schema.Finite, Schema.Finite, Schema.Finite]),
  /** Left eye, right eye, nose, left and right corner of the mouth, left as seen. */
  landmarks: Schema.Array(Point),
})

export const SceneKind = Schema.Literals(["portrait", "group", "small", "tight", "empty"])
export type SceneKind = typeof SceneKind.Type

/** A drawn picture of which is known where its faces are. */
export const Scene = Schema.Struct({
  id: Schema.String,
  kind: SceneKind,
  image: BlobRef,
  width: Schema.Int,
  height: Schema.Int,
  faces: Schema.Array(SceneFace),
})
export type Scene = typeof Scene.Type

const Counts = Schema.Struct({
  positive: Schema.Int,
  part: Schema.Int,
  negative: Schema.Int,
  landmark: Schema.Int,
})

/** Windows that one network learns from, packed in one file. */
export const WindowsValue = Schema.Struct({
  stage: Stage,
  /** Safetensors: per kind pixels, box and landmark targets. */
  windows: BlobRef,
  counts: Counts,
  /** How many of the windows an earlier stage of the cascade proposed. */
  mined: Counts,
  scenes: Schema.Int,
  faces: Schema.Int,
})
export type WindowsValue = typeof WindowsValue.Type

/** Means over the steps since the point before. */
export const TrainingPoint = Schema.Struct({
  step: Schema.Int,
  lr: Schema.Finite,
  classLoss: Schema.Finite,
  boxLoss: Schema.Finite,
  landmarkLoss: Schema.Finite,
  /** Share of positive and negative windows told rightly. */
  accuracy: Schema.Finite,
})
export type TrainingPoint = typeof TrainingPoint.Type

/** One trained network of the cascade. */
export const NetworkValue = Schema.Struct({
  stage: Stage,
  /** Safetensors under the published names and layouts. */
  weights: BlobRef,
  parameters: Schema.Int,
  seed: Schema.Int,
  trainedOn: Counts,
  scenes: Schema.Int,
  training: Schema.Record(Schema.String, Schema.Json),
  history: Schema.Array(TrainingPoint),
})
export type NetworkValue = typeof NetworkValue.Type

/** Recall and landmarks of a group of true faces. */
const Group = Schema.Struct({
  faces: Schema.Int,
  found: Schema.Int,
  recall: Schema.NullOr(Schema.Finite),
  /** Mean distance of a landmark from its place, in percent of the distance of the eyes; of the faces found. */
  landmarkError: Schema.NullOr(Schema.Finite),
})
export type Group = typeof Group.Type

/** What one detector did on the scenes, at one least score. */
export const DetectorFigures = Schema.Struct({
  detector: Schema.String,
  minScore: Schema.Finite,
  scenes: Schema.Int,
  /** Faces at least as large as the detector looks for. */
  ...Group.fields,
  /** Found faces that match no true one. */
  wrong: Schema.Int,
  precision: Schema.NullOr(Schema.Finite),
  /** Scenes without a face, and how many of them got one. */
  emptyScenes: Schema.Int,
  emptyWithFace: Schema.Int,
  /** By the longer side of the box, in pixels. */
  bySize: Schema.Record(Schema.String, Group),
  byKind: Schema.Record(Schema.String, Group),
})
export type DetectorFigures = typeof DetectorFigures.Type

export const DetectionValue = Schema.Struct({
  /** Least overlap (intersection over union) of a match. */
  overlap: Schema.Finite,
  minFaceSize: Schema.Finite,
  detectors: Schema.Array(DetectorFigures),
})
export type DetectionValue = typeof DetectionValue.Type

/** Drawn pictures with their faces. */
export const Scenes = table("Scenes", Scene)
/** What one network of the detector learns from. */
export const Windows = json("Windows", WindowsValue)
/** A trained network of the detector. */
export const Network = json("DetectorNetwork", NetworkValue)
/** Figures of one or several detectors on scenes. */
export const Detection = json("DetectorEvaluation", DetectionValue)
