import * as Schema from "effect/Schema"
import { defineNode, optional } from "../../runtime/node.ts"
import { Files, Images, Labelled, Rejects } from "../../schema/artifact.ts"
import { Licence } from "../../schema/sample.ts"
import { param, whole } from "../model/param.ts"

const column = (description: string) =>
  Schema.optionalKey(Schema.String.annotate({ description: `column of the csv: ${description}` }))

export const Params = Schema.Struct({
  path: Schema.optionalKey(
    Schema.String.annotate({ description: "folder, or .tar file, of pictures (else: the port `files`)" }),
  ),
  csv: Schema.optionalKey(Schema.String.annotate({ description: "csv file with the labels, by its path" })),
  csvEntry: Schema.optionalKey(
    Schema.String.annotate({ description: "csv file with the labels, by its name inside the folder or tar" }),
  ),
  labelsFrom: param(
    Schema.Literals(["auto", "csv", "folders", "none"]),
    "auto",
    "where labels come from; folders: the name of the folder a picture is in; auto: the csv if one is named, else folders",
  ),
  fileColumn: param(Schema.String, "file", "column of the csv: path of the picture in the folder or tar"),
  labelColumn: param(Schema.String, "label", "column of the csv: label; empty = none"),
  subjectColumn: column("who is on the picture"),
  splitColumn: column("split that the source states"),
  delimiter: param(Schema.String, ",", "separator of the csv's fields"),
  labels: Schema.optionalKey(
    Schema.Record(Schema.String, Schema.String).annotate({
      description: "label in the source → class; labels that are not named stay as they are",
    }),
  ),
  set: param(Schema.String, "folder", "name of the data set"),
  licence: Schema.optionalKey(Licence.annotate({ description: "licence of all the pictures" })),
  generated: param(Schema.Boolean, false, "the pictures were drawn by a program and show nobody"),
  maxBytes: param(whole(1, 1_000_000_000), 50_000_000, "largest picture file taken, in bytes"),
})
export type Params = typeof Params.Type

export const inputs = { files: optional(Files) }
export const outputs = { images: Labelled, unlabelled: Images, rejected: Rejects }

export default defineNode({
  type: "import.folder",
  description:
    "Pictures of a folder or tar, with labels of a csv or of the subfolders' names. Pictures without a label come out at `unlabelled`.",
  inputs,
  outputs,
  params: Params,
  files: ({ path, csv }) => ({
    ...(path === undefined ? {} : { data: path }),
    ...(csv === undefined ? {} : { csv }),
  }),
  pathParams: ["path", "csv"],
  impl: () => import("./folder.impl.ts"),
})
