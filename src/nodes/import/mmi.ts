import * as Schema from "effect/Schema"
import { defineNode, optional } from "../../runtime/node.ts"
import { Files, Labelled, Rejects } from "../../schema/artifact.ts"
import { between, param, whole } from "../model/param.ts"

export const Params = Schema.Struct({
  path: Schema.optionalKey(
    Schema.String.annotate({
      description:
        "folder with a manifest of frames, or with Sessions/ whose clips were extracted to frames (else: the port `files`)",
    }),
  ),
  manifest: param(
    Schema.String,
    "manifest.csv",
    "csv inside the folder that names frame, session, subject, emotion (1 to 6); where it is missing, Sessions/*/ is read",
  ),
  apex: param(
    between(0, 1),
    0.5,
    "where in a clip the expression peaks, 0 = its first, 1 = its last frame (the set does not say)",
  ),
  frames: param(whole(1, 1000), 1, "frames taken of each clip, those nearest to the apex"),
  views: param(
    Schema.Array(Schema.Int),
    [0, 2],
    "camera views taken (0 = frontal, 1 = profile, 2 = both in one picture), where the source states them",
  ),
  neutral: param(
    Schema.Literals(["none", "first-frame"]),
    "none",
    "first-frame: the first frame of each clip too, as neutral",
  ),
  set: param(Schema.String, "mmi", "name of the data set"),
  generated: param(Schema.Boolean, false, "the pictures were drawn by a program and show nobody"),
})
export type Params = typeof Params.Type

export const inputs = { files: optional(Files) }
export const outputs = { images: Labelled, rejected: Rejects }

export default defineNode({
  type: "import.mmi",
  description:
    "MMI from frames extracted beforehand, by a manifest or by its session folders; clips are filmed from neutral over the peak to neutral, so a rule chooses the frames.",
  inputs,
  outputs,
  params: Params,
  files: ({ path }) => (path === undefined ? {} : { data: path }),
  pathParams: ["path"],
  impl: () => import("./mmi.impl.ts"),
})
