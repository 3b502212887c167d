import { toGray, type Raster } from "../../vision/raster.ts"
import { resizeArea } from "../../vision/resize.ts"

/** Side of the small grey pictures that are compared. */
const side = 32
/** Sides of the larger ones in which a window of that side is a crop: 94, 89, 84 and 80 % of each side. */
const largerSides = [34, 36, 38, 40]
/** A crop within these limits takes less than this off the correlation; pairs below need no search for one. */
const worthSearching = 0.3

/** A picture made ready to be compared. */
export interface Thumb {
  /** 32 × 32 grey values less their mean, over their norm: the product of two of them is Pearson's correlation. */
  readonly whole: Float64Array
  /** Grey values at the larger sides. */
  readonly larger: ReadonlyArray<Uint8Array>
}

/** The norm of a flat picture is taken for that of one with steps of one grey value: it is like nothing. */
const leastNorm = side

const normalized = (data: Uint8Array): Float64Array => {
  let mean = 0
  for (const value of data) mean += value
  mean /= data.length
  let squares = 0
  for (const value of data) squares += (value - mean) ** 2
  const norm = Math.max(Math.sqrt(squares), leastNorm)
  return Float64Array.from(data, (value) => (value - mean) / norm)
}

export const thumbOf = (image: Raster): Thumb => {
  const grey = toGray(image)
  return {
    whole: normalized(resizeArea(grey, side, side).data),
    larger: largerSides.map((larger) => resizeArea(grey, larger, larger).data),
  }
}

/** Correlation of a whole picture with the window at (x, y) of a larger one. */
const atWindow = (whole: Float64Array, larger: Uint8Array, stride: number, x: number, y: number): number => {
  let sum = 0
  let squares = 0
  let product = 0
  for (let row = 0, i = 0; row < side; row++) {
    for (let p = (y + row) * stride + x, end = p + side; p < end; p++, i++) {
      const value = larger[p]
      sum += value
      squares += value * value
      product += value * whole[i]
    }
  }
  // The mean of `whole` is zero, so that of the window drops out of the product.
  return product / Math.max(Math.sqrt(Math.max(0, squares - (sum * sum) / (side * side))), leastNorm)
}

/** The best correlation of a whole picture with parts of the other. */
const withCrops = (whole: Thumb, other: Thumb): number => {
  let best = -1
  largerSides.forEach((stride, k) => {
    const room = stride - side
    const step = Math.max(1, room / 4)
    for (let y = 0; y <= room; y += step)
      for (let x = 0; x <= room; x += step)
        best = Math.max(best, atWindow(whole.whole, other.larger[k], stride, Math.round(x), Math.round(y)))
  })
  return best
}

/**
 * How alike two pictures are, −1 to 1: the correlation of their grey values at 32 × 32, or of one with a part of the
 * other (80 to 94 % of each side), whichever is highest. Brightness and contrast don't matter. Symmetric. The search
 * is left out where its result is not needed, or could not be `enough`.
 */
export const similarity = (a: Thumb, b: Thumb, enough = 1): number => {
  let plain = 0
  for (let i = 0; i < a.whole.length; i++) plain += a.whole[i] * b.whole[i]
  if (plain >= enough || plain < enough - worthSearching) return plain
  return Math.max(plain, withCrops(a, b), withCrops(b, a))
}
