import { readSafetensors } from "../../learning/safetensors.ts"
import type { Blobs } from "../../runtime/node.ts"
import type { Embedded } from "./inside-types.ts"

/** Embeddings that cannot be used together, or at all. */
export class EmbeddingsError extends Error {
  readonly _tag = "EmbeddingsError"
  override readonly name = "EmbeddingsError"
}

/** Some samples with their embeddings, [rows, width], in the same order. */
export interface Vectors {
  readonly rows: ReadonlyArray<Embedded>
  readonly width: number
  readonly values: Float32Array
}

/**
 * Reads the embeddings of rows of one model; each file once.
 * @throws EmbeddingsError for a file without embeddings, or rows of different widths.
 */
export const loadVectors = async (
  rows: ReadonlyArray<Embedded>,
  blobs: Pick<Blobs, "get">,
): Promise<Vectors> => {
  const files = new Map<string, { readonly width: number; readonly data: Float32Array }>()
  for (const { vectors } of rows) {
    if (files.has(vectors.$blob)) continue
    const tensor = readSafetensors(await blobs.get(vectors)).tensors.get("embeddings")
    if (tensor === undefined || tensor.shape.length !== 2 || !(tensor.data instanceof Float32Array))
      throw new EmbeddingsError(
        `file ${vectors.$blob.slice(0, 10)} holds no float32 "embeddings" [rows, width]`,
      )
    files.set(vectors.$blob, { width: tensor.shape[1], data: tensor.data })
  }
  const widths = [...new Set([...files.values()].map(({ width }) => width))]
  if (widths.length > 1)
    throw new EmbeddingsError(`embeddings of ${widths.join(" and ")} dimensions are of different networks`)
  const width = widths[0] ?? 0
  const values = new Float32Array(rows.length * width)
  for (const [i, { vectors, index }] of rows.entries()) {
    const data = files.get(vectors.$blob)?.data ?? new Float32Array(0)
    values.set(data.subarray(index * width, (index + 1) * width), i * width)
  }
  return { rows, width, values }
}

/** Rows by model, in the order in which models first occur. */
export const byModel = (rows: ReadonlyArray<Embedded>): ReadonlyMap<string, ReadonlyArray<Embedded>> => {
  const groups = new Map<string, Array<Embedded>>()
  for (const row of rows) {
    const group = groups.get(row.model)
    if (group === undefined) groups.set(row.model, [row])
    else group.push(row)
  }
  return groups
}
