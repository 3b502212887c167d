import * as Schema from "effect/Schema"
import {
  Dataset,
  Faces,
  Files,
  Images,
  JsonArtifact,
  Labelled,
  Metrics,
  Predictions,
  type ArtifactType,
} from "../../schema/artifact.ts"
import { param } from "../model/param.ts"

/** What a program can leave behind, by the names that a document uses. */
export const outputTypes = {
  Files,
  Json: JsonArtifact,
  Metrics,
  Images,
  Faces,
  Labelled,
  Dataset,
  Predictions,
} as const satisfies Readonly<Record<string, ArtifactType>>

/** A name that is a port's, and so a part of references and paths. */
const PortName = Schema.String.check(
  Schema.isPattern(/^[A-Za-z][A-Za-z0-9_-]*$/u, {
    expected: "a name of letters, digits, _ and -, a letter first",
  }),
)
const VariableName = Schema.String.check(
  Schema.isPattern(/^[A-Za-z_][A-Za-z0-9_]*$/u, { expected: "the name of an environment variable" }),
)

const isInside = (path: string): boolean =>
  path !== "" && !path.startsWith("/") && path.split("/").every((part) => !["", ".", ".."].includes(part))

const InnerPath = Schema.String.check(
  Schema.makeFilter((path: string) => isInside(path) || "expected a path inside of the scratch folder"),
)

const Output = Schema.Union([
  InnerPath,
  Schema.Struct({
    path: InnerPath,
    type: Schema.Literals(Object.keys(outputTypes) as ReadonlyArray<keyof typeof outputTypes>).annotate({
      description: "Files, Json (a JSON file), Metrics (for dag metrics), or a table (JSON lines)",
    }),
    files: Schema.optionalKey(
      InnerPath.annotate({
        description: "tables: the folder of the files that rows name as { $file: PATH }",
      }),
    ),
  }),
])

const Value = Schema.Union([
  Schema.String.check(Schema.makeFilter((text: string) => !text.includes("\0") || "expected no zero byte")),
  Schema.Finite,
  Schema.Boolean,
])

export const Params = Schema.Struct({
  run: Schema.String.check(
    Schema.isMinLength(1),
    Schema.isMaxLength(100_000),
    Schema.makeFilter((text: string) => !text.includes("\0") || "expected no zero byte"),
  ).annotate({ description: "what `sh -e` runs in the scratch folder" }),
  code: param(
    Schema.Array(Schema.String.check(Schema.isMinLength(1))),
    [],
    "files and folders of the project, copied beside by their last names; their content is part of the key",
  ),
  outputs: param(
    Schema.Record(PortName, Output),
    {},
    "port: path of the file or folder that the program leaves there, or { path, type }",
  ),
  env: param(
    Schema.Record(VariableName, Value),
    {},
    "environment besides PATH, HOME (the scratch folder), LANG=C.UTF-8 and TZ=UTC",
  ),
  present: param(
    Schema.Array(Schema.String),
    [],
    "outputs (files) that are laid under out/ of the store for a person to open",
  ),
  blobs: param(Schema.Boolean, false, "lay the pictures of input tables beside them, as PORT.blobs/DIGEST"),
})
export type Params = typeof Params.Type

/** The path and type of an output, as written in either form. */
export const outputOf = (
  output: Params["outputs"][string],
): { readonly path: string; readonly type: keyof typeof outputTypes; readonly files?: string } =>
  typeof output === "string" ? { path: output, type: "Files" } : output

/** The last name of a path: what a file of `code` is called in the scratch folder. */
export const lastName = (path: string): string => path.replace(/\/+$/u, "").split("/").at(-1) ?? ""
