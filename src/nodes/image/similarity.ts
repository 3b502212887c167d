import { toGray, type Raster } from "../../vision/raster.ts"
import { resize } from "../../vision/resize.ts"

/** Side of the small grey pictures that are compared first. */
const side = 32
/** Sides of small pictures in which a window of that side is all, 94, 89, 84 or 80 % of each side. */
const zoomedSides = [32, 34, 36, 38, 40]
/** The fine comparison is at twice that resolution, and tries this many pixels each way. */
const fine = 2
const reach = 3
/** Radius of the box blur whose result is taken away, so that the fine comparison is about detail alone. */
const blurRadius = 2
/** Correlation of the small pictures below which the fine comparison is left out. */
const coarseEnough = 0.8
/** A crop takes less than this off the coarse correlation. */
const worthSearching = 0.3

/** A picture made ready to be compared: grey, at the resolutions needed. About 30 kB. */
export interface Thumb {
  /** At `zoomedSides`. */
  readonly small: ReadonlyArray<Uint8Array>
  /** The picture at the largest resolution of the fine comparison; the others are made of it. */
  readonly base: Raster
  /** The detail of the whole picture at the lowest resolution of the fine comparison. */
  readonly detail: Float32Array
}

/** The norm of a flat window is taken for that of one with steps of one grey value: it is like nothing. */
const leastNorm = side

/** Pearson's correlation of a small picture with the window at (x, y) of another. */
const atWindow = (whole: Uint8Array, other: Uint8Array, stride: number, x: number, y: number): number => {
  let a = 0
  let aa = 0
  let b = 0
  let bb = 0
  let ab = 0
  for (let row = 0, i = 0; row < side; row++) {
    for (let p = (y + row) * stride + x, end = p + side; p < end; p++, i++) {
      const v = whole[i]
      const w = other[p]
      a += v
      aa += v * v
      b += w
      bb += w * w
      ab += v * w
    }
  }
  const n = side * side
  const norm = (sum: number, squares: number) =>
    Math.max(Math.sqrt(Math.max(0, squares - (sum * sum) / n)), leastNorm)
  return (ab - (a * b) / n) / (norm(a, aa) * norm(b, bb))
}

interface Place {
  readonly correlation: number
  /** Which of `zoomedSides`, and where in it. */
  readonly zoom: number
  readonly x: number
  readonly y: number
}

/** Where in the other picture the whole of this one fits best. */
const bestPlace = (whole: Thumb, other: Thumb): Place => {
  let best: Place = { correlation: atWindow(whole.small[0], other.small[0], side, 0, 0), zoom: 0, x: 0, y: 0 }
  if (best.correlation < coarseEnough - worthSearching) return best
  for (let zoom = 1; zoom < zoomedSides.length; zoom++) {
    const stride = zoomedSides[zoom]
    const room = stride - side
    const step = Math.max(1, room / 4)
    for (let v = 0; v <= room; v += step)
      for (let u = 0; u <= room; u += step) {
        const [x, y] = [Math.round(u), Math.round(v)]
        const correlation = atWindow(whole.small[0], other.small[zoom], stride, x, y)
        if (correlation > best.correlation) best = { correlation, zoom, x, y }
      }
  }
  return best
}

/** Means along lines of a square, over `blurRadius` to both sides; `step` from one value of a line to the next. */
const blurLines = (
  from: ArrayLike<number>,
  to: Float32Array,
  n: number,
  line: number,
  step: number,
): void => {
  for (let k = 0; k < n; k++) {
    let sum = 0
    let count = 0
    for (let i = 0; i < n + blurRadius; i++) {
      if (i < n) {
        sum += from[k * line + i * step]
        count++
      }
      if (i > 2 * blurRadius) {
        sum -= from[k * line + (i - 2 * blurRadius - 1) * step]
        count--
      }
      if (i >= blurRadius) to[k * line + (i - blurRadius) * step] = sum / count
    }
  }
}

/** A square grey picture less its own blur: edges and texture, with a mean near zero. */
const detailOf = ({ width: n, data }: Raster): Float32Array => {
  const across = new Float32Array(n * n)
  const out = new Float32Array(n * n)
  blurLines(data, across, n, n, 1)
  blurLines(across, out, n, 1, n)
  for (let i = 0; i < out.length; i++) out[i] = data[i] - out[i]
  return out
}

const atZoom = (base: Raster, zoom: number): Float32Array =>
  detailOf(resize(base, zoomedSides[zoom] * fine, zoomedSides[zoom] * fine))

export const thumbOf = (image: Raster): Thumb => {
  const grey = toGray(image)
  const largest = zoomedSides.at(-1)! * fine
  const base = resize(grey, largest, largest)
  return {
    small: zoomedSides.map((zoomed) => resize(grey, zoomed, zoomed).data),
    base,
    detail: atZoom(base, 0),
  }
}

/** The best correlation of the details of two pictures near a place. */
const detailNear = (whole: Thumb, other: Thumb, { zoom, x, y }: Place): number => {
  const a = whole.detail
  const b = zoom === 0 ? other.detail : atZoom(other.base, zoom)
  const aStride = side * fine
  const bStride = zoomedSides[zoom] * fine
  const n = aStride - 2 * reach
  const from = (y * fine + reach) * bStride + x * fine + reach
  let bb = 0
  for (let row = 0; row < n; row++)
    for (let q = from + row * bStride, end = q + n; q < end; q++) bb += b[q] * b[q]
  const at = (dx: number, dy: number): number => {
    let aa = 0
    let ab = 0
    for (let row = 0; row < n; row++) {
      let q = from + row * bStride
      for (let p = (dy + row) * aStride + dx, end = p + n; p < end; p++, q++) {
        aa += a[p] * a[p]
        ab += a[p] * b[q]
      }
    }
    return ab / Math.max(Math.sqrt(aa * bb), n * n)
  }
  let best = -1
  for (let dy = 0; dy <= 2 * reach; dy++)
    for (let dx = 0; dx <= 2 * reach; dx++) best = Math.max(best, at(dx, dy))
  return best
}

/**
 * How alike two pictures are in their details, −1 to 1: one of them is laid over the other where the two fit best
 * (all of it, or a part of 80 to 94 % of each side, so that crops are seen through), and their edges and textures
 * are correlated. Brightness and contrast don't matter. Symmetric, unless `enough` is reached, where the search ends.
 * −1 where the two don't even fit coarsely.
 *
 * Coarse correlation alone calls portraits of different people alike, since all portraits are.
 */
export const similarity = (a: Thumb, b: Thumb, enough = Infinity): number => {
  let best = -1
  for (const [whole, other] of [
    [a, b],
    [b, a],
  ]) {
    const place = bestPlace(whole, other)
    if (place.correlation < coarseEnough) continue
    best = Math.max(best, detailNear(whole, other, place))
    if (best >= enough) return best
  }
  return best
}
