import { symmetricEigen } from "./eigen.ts"

export interface Principal {
  readonly dimensions: number
  /** [points, dimensions], centred: coordinates along the axes of largest variance, largest first. */
  readonly points: Float64Array
  /** Share of the whole variance that each axis has; all 0 where the points are one point. */
  readonly shares: Float64Array
}

/**
 * Principal components of points [count, width], row major: the `dimensions` axes of largest variance, fewer where
 * there are fewer. Exact, by the eigenvectors of the covariance, or of the points' Gram matrix where there are fewer
 * points than coordinates. Deterministic: signs are made definite.
 */
export const principalComponents = (
  values: ArrayLike<number>,
  width: number,
  dimensions: number,
): Principal => {
  const count = width === 0 ? 0 : values.length / width
  const kept = Math.min(dimensions, width, count)
  const centred = centre(values, width, count)
  let variance = 0
  for (const v of centred) variance += v * v
  const points = new Float64Array(count * kept)
  const shares = new Float64Array(kept)
  if (variance === 0) return { dimensions: kept, points, shares }
  const tall = count >= width
  const n = tall ? width : count
  const { values: eigen, vectors } = symmetricEigen(
    (tall ? columnProducts : rowProducts)(centred, width, count),
    n,
  )
  for (let k = 0; k < kept; k++) {
    const size = Math.max(0, eigen[k])
    shares[k] = size / variance
    const vector = vectors.subarray(k * n, (k + 1) * n)
    for (let i = 0; i < count; i++) {
      let sum = 0
      // The Gram matrix's vectors, times the root of their value, are the coordinates themselves.
      if (!tall) sum = vector[i] * Math.sqrt(size)
      else for (let j = 0; j < width; j++) sum += centred[i * width + j] * vector[j]
      points[i * kept + k] = sum
    }
  }
  return { dimensions: kept, points, shares }
}

const centre = (values: ArrayLike<number>, width: number, count: number): Float64Array => {
  const means = new Float64Array(width)
  for (let i = 0; i < values.length; i++) means[i % width] += values[i] / count
  return Float64Array.from(values, (v, i) => v - means[i % width])
}

/** Sums of products of each two columns, [width, width]. */
const columnProducts = (values: Float64Array, width: number, count: number): Float64Array => {
  const out = new Float64Array(width * width)
  for (let t = 0; t < count; t++) {
    const row = values.subarray(t * width, (t + 1) * width)
    for (let i = 0; i < width; i++) for (let j = i; j < width; j++) out[i * width + j] += row[i] * row[j]
  }
  return mirror(out, width)
}

/** Scalar products of each two rows, [count, count]. */
const rowProducts = (values: Float64Array, width: number, count: number): Float64Array => {
  const out = new Float64Array(count * count)
  for (let i = 0; i < count; i++)
    for (let j = i; j < count; j++) {
      let sum = 0
      for (let t = 0; t < width; t++) sum += values[i * width + t] * values[j * width + t]
      out[i * count + j] = sum
    }
  return mirror(out, count)
}

const mirror = (upper: Float64Array, n: number): Float64Array => {
  for (let i = 0; i < n; i++) for (let j = 0; j < i; j++) upper[i * n + j] = upper[j * n + i]
  return upper
}
