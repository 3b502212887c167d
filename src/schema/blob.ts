import * as Schema from "effect/Schema"
import { Digest } from "./digest.ts"

/**
 * A reference to a blob of the store, wherever it stands in a row or a JSON artifact. The one key `$blob` is
 * how the garbage collector and the lineage find what a value refers to.
 */
export const BlobRef = Schema.Struct({
  $blob: Digest,
  bytes: Schema.Int,
  media: Schema.optionalKey(Schema.String),
})
export type BlobRef = typeof BlobRef.Type

/** Every blob digest a JSON value refers to, in the order met. */
export function* blobsIn(value: unknown): Generator<Digest> {
  if (Array.isArray(value)) {
    for (const part of value) yield* blobsIn(part)
  } else if (typeof value === "object" && value !== null) {
    if ("$blob" in value && typeof value.$blob === "string") yield value.$blob as Digest
    else for (const part of Object.values(value)) yield* blobsIn(part)
  }
}
