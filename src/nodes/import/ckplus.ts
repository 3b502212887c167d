import * as Schema from "effect/Schema"
import { defineNode, optional } from "../../runtime/node.ts"
import { Files, Labelled, Rejects } from "../../schema/artifact.ts"
import { param } from "../model/param.ts"

export const Params = Schema.Struct({
  path: Schema.optionalKey(
    Schema.String.annotate({
      description: "folder that holds cohn-kanade-images and Emotion (else: the port `files`)",
    }),
  ),
  frames: param(
    Schema.Literals(["peak", "last3"]),
    "peak",
    "frames taken of each labelled sequence: the last, or the last three",
  ),
  neutral: param(
    Schema.Literals(["none", "first-frame"]),
    "none",
    "first-frame: the first frame of each labelled sequence too, as neutral (the set has no neutral class)",
  ),
  contempt: param(
    Schema.Literals(["drop", "keep", "as-neutral"]),
    "drop",
    "contempt, which the seven classes lack: drop its sequences, keep the label, or call it neutral",
  ),
  set: param(Schema.String, "ckplus", "name of the data set"),
  generated: param(Schema.Boolean, false, "the pictures were drawn by a program and show nobody"),
})
export type Params = typeof Params.Type

export const inputs = { files: optional(Files) }
export const outputs = { images: Labelled, rejected: Rejects }

export default defineNode({
  type: "import.ckplus",
  description:
    "CK+ (extended Cohn-Kanade) from its folders: sequences from neutral to the peak of an expression; the subject is kept.",
  inputs,
  outputs,
  params: Params,
  files: ({ path }) => (path === undefined ? {} : { data: path }),
  pathParams: ["path"],
  impl: () => import("./ckplus.impl.ts"),
})
