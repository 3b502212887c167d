import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { Catalogue } from "../../../src/runtime/catalogue.ts"
import {
  loadDocument,
  type DocumentOptions,
  type LoadedDocument,
} from "../../../src/runtime/document/index.ts"
import { DocumentError } from "../../../src/runtime/document/index.ts"
import { defineNode, list, optional, sameAs, type NodeDefinition } from "../../../src/runtime/node.ts"
import { Dataset, Faces, Images, JsonArtifact, json } from "../../../src/schema/artifact.ts"

const Model = json("Model", Schema.Struct({ layers: Schema.Int }))
const unused = (): never => {
  throw new Error("nothing runs in these tests")
}

/** Node types that only declare: a small world like the real one. */
const definitions: ReadonlyArray<NodeDefinition> = [
  defineNode({
    type: "crawl.search",
    description: "Search for pictures.",
    outputs: { images: Images },
    params: Schema.Struct({
      engine: Schema.Literals(["gallery", "wikimedia"]),
      keywords: Schema.Record(Schema.String, Schema.Array(Schema.String)),
      perKeyword: Schema.Int.pipe(
        Schema.check(Schema.isBetween({ minimum: 1, maximum: 1000 })),
        Schema.withDecodingDefaultKey(Effect.succeed(40)),
      ),
      token: Schema.optionalKey(Schema.String),
      polite: Schema.optionalKey(Schema.Boolean),
    }),
    resources: { net: 4 },
    run: unused,
  }),
  defineNode({
    type: "dataset.merge",
    description: "Several sets as one.",
    inputs: { sets: list(Images) },
    outputs: { images: sameAs("sets") },
    run: unused,
  }),
  defineNode({
    type: "face.detect",
    description: "Find faces.",
    inputs: { images: Images },
    outputs: { faces: sameAs("images", "face") },
    params: Schema.Struct({ minFaceSize: Schema.Int, weights: Schema.optionalKey(Schema.String) }),
    map: { over: "images", run: unused },
  }),
  defineNode({
    type: "face.blur",
    description: "Blur faces.",
    inputs: { faces: Faces, mask: optional(JsonArtifact) },
    outputs: { faces: sameAs("faces") },
    map: { over: "faces", run: unused },
  }),
  defineNode({
    type: "dataset.label",
    description: "Give labels and splits.",
    inputs: { images: Images },
    outputs: { dataset: sameAs("images", "label", "split") },
    run: unused,
  }),
  defineNode({
    type: "model.train",
    description: "Train.",
    inputs: { dataset: Dataset },
    outputs: { history: JsonArtifact, model: Model },
    params: Schema.Struct({
      model: Schema.String,
      lr: Schema.Finite.pipe(Schema.withDecodingDefaultKey(Effect.succeed(0.1))),
      sizes: Schema.optionalKey(Schema.Tuple([Schema.Int, Schema.Int])),
      seed: Schema.optionalKey(Schema.Int),
    }),
    run: unused,
  }),
  defineNode({
    type: "model.evaluate",
    description: "Evaluate.",
    inputs: { models: list(Model), sets: list(Dataset) },
    outputs: { metrics: JsonArtifact },
    run: unused,
  }),
  defineNode({
    type: "model.explain",
    description: "One picture of one model.",
    inputs: { model: Model },
    outputs: { picture: JsonArtifact },
    params: Schema.Struct({ title: Schema.optionalKey(Schema.String) }),
    run: unused,
  }),
]

export const catalogue: Catalogue = new Map(
  definitions.map((definition) => [
    definition.type,
    { definition, fingerprint: "0", modules: {}, origin: { kind: "builtin" } },
  ]),
)

export type LoadOptions = Partial<Omit<DocumentOptions, "text" | "file">>

export const load = (text: string, options: LoadOptions = {}): LoadedDocument =>
  Effect.runSync(loadDocument({ file: "p.yaml", root: "/project", env: {}, catalogue, ...options, text }))

/** The error of a document that has one. */
export const failureOf = (text: string, options: LoadOptions = {}): DocumentError => {
  const result = Effect.runSync(
    Effect.result(loadDocument({ file: "p.yaml", root: "/project", env: {}, catalogue, ...options, text })),
  )
  if (result._tag === "Success") throw new Error("the document was accepted")
  return result.failure
}

/** As people see it. */
export const complaint = (text: string, options: LoadOptions = {}): string => failureOf(text, options).message
