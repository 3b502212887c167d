import * as Schema from "effect/Schema"
import type { Json } from "./json.ts"
import { Prediction, Reject, Sample } from "./sample.ts"

/**
 * The type of a port. `A` is the type of a row (tables) or of the value (json) and exists for the checker only.
 * A table type may require fields that its row type leaves optional: that is how a set of faces is accepted where
 * pictures are asked for, but not the other way round.
 */
export interface ArtifactType<A = unknown> {
  readonly kind: "table" | "json" | "files"
  readonly name: string
  /** Checks rows (tables) or the value (json). */
  readonly schema?: Schema.Codec<A, unknown>
  /** Tables: the fields every row has. */
  readonly requires: ReadonlyArray<string>
  /** Tables: the family; types of one family are compared by `requires`. */
  readonly family: string
  readonly _A?: A
}

/** A table type of one's own. Rows need a string `id`, unique in the table. */
export const table = <A extends { readonly id: string }>(
  name: string,
  schema: Schema.Codec<A, unknown>,
  options: { readonly requires?: ReadonlyArray<keyof A & string>; readonly family?: string } = {},
): ArtifactType<A> => ({
  kind: "table",
  name,
  schema,
  requires: options.requires ?? ["id"],
  family: options.family ?? name,
})

/** A JSON type of one's own. */
export const json = <A>(name: string, schema?: Schema.Codec<A, unknown>): ArtifactType<A> => ({
  kind: "json",
  name,
  ...(schema === undefined ? {} : { schema }),
  requires: [],
  family: name,
})

type Has<K extends keyof Sample> = Sample & { readonly [P in K]-?: NonNullable<Sample[P]> }
const samples = <K extends keyof Sample = never>(name: string, ...fields: ReadonlyArray<K>) =>
  table(name, Sample, { requires: ["id", "image", ...fields], family: "Sample" }) as unknown as ArtifactType<
    Has<K>
  >

/** Pictures. */
export const Images = samples("Images")
/** Pictures of one face each, with box and landmarks in the parent picture. */
export const Faces = samples("Faces", "face")
/** Pictures that each have a label. */
export const Labelled = samples("Labelled", "label")
/** Labelled pictures that each have a split. */
export const Dataset = samples("Dataset", "label", "split")
/** What was dropped and why; every mapping node has this as its port `rejected`. */
export const Rejects: ArtifactType<Reject> = table("Rejects", Reject)
export const Predictions: ArtifactType<Prediction> = table("Predictions", Prediction)
/** Any JSON value. */
export const JsonArtifact: ArtifactType<Json> = json<Json>("Json")
/** Figures of a run, as `dag metrics` shows them: a number by name, at any depth. */
export const Metrics: ArtifactType<Json> = json<Json>("Metrics")
/** A file or a folder. */
export const Files: ArtifactType<never> = { kind: "files", name: "Files", requires: [], family: "Files" }

/** Whether what a port gives can be handed to a port that asks for `asked`. */
export const accepts = (asked: ArtifactType, given: ArtifactType): boolean =>
  asked.kind === given.kind &&
  (asked.name === "Json" ||
    (asked.family === given.family && asked.requires.every((field) => given.requires.includes(field))))
