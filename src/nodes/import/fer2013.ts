import * as Schema from "effect/Schema"
import { defineNode, optional } from "../../runtime/node.ts"
import { Files, Labelled, Rejects } from "../../schema/artifact.ts"
import { param } from "../model/param.ts"

export const Params = Schema.Struct({
  path: Schema.optionalKey(
    Schema.String.annotate({
      description: "fer2013.csv, or a folder with it (else: the port `files`)",
    }),
  ),
  usage: param(
    Schema.Array(Schema.Literals(["Training", "PublicTest", "PrivateTest"])),
    ["Training", "PublicTest", "PrivateTest"],
    "parts taken, by the column Usage",
  ),
  set: param(Schema.String, "fer2013", "name of the data set"),
  generated: param(Schema.Boolean, false, "the pictures were drawn by a program and show nobody"),
})
export type Params = typeof Params.Type

export const inputs = { files: optional(Files) }
export const outputs = { images: Labelled, rejected: Rejects }

export default defineNode({
  type: "import.fer2013",
  description:
    "FER2013 from its csv (emotion, pixels, Usage): 48 × 48 grey faces of seven classes; Usage is kept as the given split.",
  inputs,
  outputs,
  params: Params,
  files: ({ path }) => (path === undefined ? {} : { data: path }),
  pathParams: ["path"],
  impl: () => import("./fer2013.impl.ts"),
})
