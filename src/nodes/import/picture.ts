import type { Blobs } from "../../runtime/node.ts"
import type { Reject, Sample } from "../../schema/sample.ts"
import { decodableTypes, sniffType } from "../../vision/sniff.ts"
import type { SourceFile } from "./source.ts"

export type LabelledSample = Sample & { readonly label: string }

/** What an importer knows of a picture besides its bytes. */
export interface Facts {
  readonly id: string
  readonly set: string
  readonly generated: boolean
  readonly subject?: string
  readonly givenSplit?: string
}

/**
 * Keeps the bytes of a file as they are, and makes its row; a reject where the content is of no type that can be
 * decoded. `source.url` is the path within the source, so that a row is the same wherever the source lies.
 */
export const pictureOf = async (
  file: SourceFile,
  { generated, ...facts }: Facts,
  blobs: Blobs,
): Promise<Sample | Reject> => {
  const url = file.path
  const bytes = await file.read()
  const type = sniffType(bytes)
  if (!decodableTypes.has(type))
    return { id: facts.id, reason: "not-an-image", detail: `${bytes.length} bytes of type ${type}`, url }
  const image = await blobs.put(bytes, `image/${type}`)
  return { ...facts, image, source: { kind: "file", url, ...(generated ? { generated } : {}) } }
}

/** A row with its label, claimed by its set. */
export const withLabel = (row: Sample, label: string): LabelledSample => ({
  ...row,
  label,
  claims: [{ label, by: row.set }],
})
