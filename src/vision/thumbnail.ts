import { toGray, type Raster } from "./raster.ts"
import { resizeArea } from "./resize.ts"

/** Side of a thumbnail in pixels. */
export const thumbnailSide = 32

/** A picture as 32 × 32 grey values, row by row, whatever its shape: 1,024 bytes, enough for a second look. */
export function thumbnail(image: Raster): Uint8Array {
  return resizeArea(toGray(image), thumbnailSide, thumbnailSide).data
}

/** Grey levels squared that count as noise in a variance: what is flatter than that correlates with nothing. */
const noise = 1

/** How far from its place, of the side, and by what factors the second picture is looked for. */
const reach = 0.125
const scales = [0.8, 0.9, 1, 1.11, 1.25]

/** Below this on the coarse grid no fine search reached the customary threshold (measured; see the tests). */
const hopeless = 0.6

/** A square map of grey values less their neighbourhood's mean. */
interface Detail {
  readonly side: number
  readonly values: Float64Array
}

/**
 * Similarity of two pictures by their thumbnails, −1 to 1: the normalized correlation (Lewis 1995) of their
 * detail, at the best of many small shifts and scalings (to 12 % and 25 %), so that a slightly other crop of one
 * photo stays similar. The mean of each pixel's neighbourhood is taken out first: faces resemble each other in
 * coarse light and dark, and differ in detail. Brightness and contrast do not count. The order does not matter.
 * Two flat pictures are similar (1) when their greys are within 8 levels.
 * @throws RangeError when a thumbnail has another length than 1,024
 */
export function thumbnailSimilarity(a: Uint8Array, b: Uint8Array): number {
  const p = detailOf(a)
  const q = detailOf(b)
  const flatA = spread(p) < noise
  const flatB = spread(q) < noise
  if (flatA || flatB) return flatA && flatB && Math.abs(mean(a) - mean(b)) <= 8 ? 1 : 0
  const [p2, q2] = [halve(p), halve(q)]
  const forth = search(p2, q2)
  const back = search(q2, p2)
  if (Math.max(forth.similarity, back.similarity) < hopeless)
    return Math.max(forth.similarity, back.similarity)
  return Math.max(climb(p, q, forth), climb(q, p, back))
}

function mean(values: ArrayLike<number>): number {
  let sum = 0
  for (let i = 0; i < values.length; i++) sum += values[i]
  return sum / values.length
}

/** Mean square of the detail. */
function spread({ values }: Detail): number {
  let sum = 0
  for (const v of values) sum += v * v
  return sum / values.length
}

/** Subtracts from each pixel the mean over the 9 × 9 pixels around it (as far as they are inside). */
function detailOf(pixels: Uint8Array): Detail {
  const side = thumbnailSide
  if (pixels.length !== side * side) {
    throw new RangeError(`A thumbnail is ${side * side} bytes, not ${pixels.length}.`)
  }
  const stride = side + 1
  const sums = new Float64Array(stride * stride)
  for (let y = 0; y < side; y++) {
    let row = 0
    for (let x = 0; x < side; x++) {
      row += pixels[y * side + x]
      sums[(y + 1) * stride + x + 1] = sums[y * stride + x + 1] + row
    }
  }
  const values = new Float64Array(side * side)
  for (let y = 0; y < side; y++) {
    const top = Math.max(0, y - 4)
    const bottom = Math.min(side, y + 5)
    for (let x = 0; x < side; x++) {
      const left = Math.max(0, x - 4)
      const right = Math.min(side, x + 5)
      const sum =
        sums[bottom * stride + right] -
        sums[top * stride + right] -
        sums[bottom * stride + left] +
        sums[top * stride + left]
      values[y * side + x] = pixels[y * side + x] - sum / ((right - left) * (bottom - top))
    }
  }
  return { side, values }
}

function halve({ side, values }: Detail): Detail {
  const half = side / 2
  const out = new Float64Array(half * half)
  for (let y = 0; y < half; y++) {
    for (let x = 0; x < half; x++) {
      const p = 2 * y * side + 2 * x
      out[y * half + x] = (values[p] + values[p + 1] + values[p + side] + values[p + side + 1]) / 4
    }
  }
  return { side: half, values: out }
}

/** How the second map is laid over the first: scaled about its centre each way, then moved, in parts of the side. */
interface Placement {
  readonly sx: number
  readonly sy: number
  readonly dx: number
  readonly dy: number
  readonly similarity: number
}

/** Correlation of a's middle (76 % each way) with b under a placement; −1 when a quarter of it falls outside. */
function correlate(a: Detail, b: Detail, sx: number, sy: number, dx: number, dy: number): number {
  const n = a.side
  const edge = Math.round(n * 0.12)
  const centre = (n - 1) / 2
  let count = 0
  let su = 0
  let sv = 0
  let suu = 0
  let svv = 0
  let suv = 0
  for (let y = edge; y < n - edge; y++) {
    const by = (y - centre) * sy + centre + dy * n
    const y0 = Math.floor(by)
    if (y0 < 0 || y0 + 1 >= n) continue
    const fy = by - y0
    for (let x = edge; x < n - edge; x++) {
      const bx = (x - centre) * sx + centre + dx * n
      const x0 = Math.floor(bx)
      if (x0 < 0 || x0 + 1 >= n) continue
      const fx = bx - x0
      const p = y0 * n + x0
      const upper = b.values[p] + fx * (b.values[p + 1] - b.values[p])
      const lower = b.values[p + n] + fx * (b.values[p + n + 1] - b.values[p + n])
      const v = upper + fy * (lower - upper)
      const u = a.values[y * n + x]
      count++
      su += u
      sv += v
      suu += u * u
      svv += v * v
      suv += u * v
    }
  }
  if (count < 0.75 * (n - 2 * edge) ** 2) return -1
  const variance = (sum: number, squares: number) => squares - (sum * sum) / count + noise
  return (suv - (su * sv) / count) / Math.sqrt(variance(su, suu) * variance(sv, svv))
}

/** The best placement on the coarse grid: all shifts by whole pixels within reach, at every scale. */
function search(a: Detail, b: Detail): Placement {
  const step = 1 / a.side
  let best: Placement = { sx: 1, sy: 1, dx: 0, dy: 0, similarity: -1 }
  for (const scale of scales) {
    for (let dy = -reach; dy <= reach; dy += step) {
      for (let dx = -reach; dx <= reach; dx += step) {
        const similarity = correlate(a, b, scale, scale, dx, dy)
        if (similarity > best.similarity) best = { sx: scale, sy: scale, dx, dy, similarity }
      }
    }
  }
  return best
}

/** From a coarse placement uphill in smaller and smaller steps, each axis scaled by itself. */
function climb(a: Detail, b: Detail, from: Placement): number {
  let { sx, sy, dx, dy } = from
  let best = correlate(a, b, sx, sy, dx, dy)
  for (const fineness of [1, 0.5, 0.25]) {
    const shift = fineness / a.side
    const factor = 1 + 0.06 * fineness
    for (let moved = true; moved;) {
      moved = false
      for (const [fx, fy, mx, my] of [
        [1, 1, shift, 0],
        [1, 1, -shift, 0],
        [1, 1, 0, shift],
        [1, 1, 0, -shift],
        [factor, factor, 0, 0],
        [1 / factor, 1 / factor, 0, 0],
        [factor, 1 / factor, 0, 0],
        [1 / factor, factor, 0, 0],
      ]) {
        const similarity = correlate(a, b, sx * fx, sy * fy, dx + mx, dy + my)
        if (similarity <= best + 1e-4) continue
        best = similarity
        sx *= fx
        sy *= fy
        dx += mx
        dy += my
        moved = true
      }
    }
  }
  return best
}
