/** Rows of [count, width] at unit length; a row of zeros stays one. */
export const unitRows = (values: ArrayLike<number>, width: number): Float64Array => {
  const out = Float64Array.from(values)
  for (let from = 0; from < out.length; from += width) {
    let squares = 0
    for (let t = from; t < from + width; t++) squares += out[t] ** 2
    const scale = squares > 0 ? 1 / Math.sqrt(squares) : 0
    for (let t = from; t < from + width; t++) out[t] *= scale
  }
  return out
}

export interface Neighbour {
  readonly index: number
  /** Cosine of the angle between the two, −1 to 1; 0 where one is zero. */
  readonly similarity: number
}

/**
 * The `k` rows of `references` most alike to a query by cosine similarity, best first, equal ones by index; fewer
 * where there are fewer. Both of unit length (`unitRows`). Exact: every row is looked at.
 */
export const nearest = (
  query: Float64Array,
  references: Float64Array,
  k: number,
): ReadonlyArray<Neighbour> => {
  const width = query.length
  const found: Array<Neighbour> = []
  if (width === 0 || k <= 0) return found
  for (let index = 0; (index + 1) * width <= references.length; index++) {
    let sum = 0
    for (let t = 0; t < width; t++) sum += query[t] * references[index * width + t]
    // Rounding may lead out of the range that a cosine has.
    const similarity = Math.min(1, Math.max(-1, sum))
    if (found.length === k && similarity <= found[k - 1].similarity) continue
    const at = found.findIndex((other) => similarity > other.similarity)
    found.splice(at < 0 ? found.length : at, 0, { index, similarity })
    if (found.length > k) found.pop()
  }
  return found
}
