import type { Raster } from "../raster.ts"

/**
 * A summed-area table (Crow 1984) of a picture: `sums[(y · (width + 1) + x) · 3 + c]` is the sum of channel c
 * over all pixels above row y and left of column x, modulo 2³². The sum over any rectangle is then three
 * additions, right as long as it is itself below 2³¹, that is for up to 8.4 million pixels: no window of the
 * pyramid or of a crop is nearly as large.
 */
export interface Integral {
  readonly width: number
  readonly height: number
  readonly sums: Int32Array
}

/** Adds up a picture; a grey one counts as three equal channels. `reuse` saves an allocation where it fits. */
export function integralOf({ width, height, channels, data }: Raster, reuse?: Int32Array): Integral {
  const stride = (width + 1) * 3
  const length = stride * (height + 1)
  const sums = reuse !== undefined && reuse.length >= length ? reuse : new Int32Array(length)
  sums.fill(0, 0, stride)
  const g = channels === 3 ? 1 : 0
  const b = channels === 3 ? 2 : 0
  for (let y = 0, p = 0; y < height; y++) {
    let o = (y + 1) * stride
    sums[o] = 0
    sums[o + 1] = 0
    sums[o + 2] = 0
    o += 3
    let red = 0
    let green = 0
    let blue = 0
    for (const end = o + width * 3; o < end; o += 3, p += channels) {
      red += data[p]
      green += data[p + g]
      blue += data[p + b]
      sums[o] = sums[o - stride] + red
      sums[o + 1] = sums[o + 1 - stride] + green
      sums[o + 2] = sums[o + 2 - stride] + blue
    }
  }
  return { width, height, sums }
}

/** First and last (exclusive) input index of each output index, as adaptive average pooling takes them. */
function windows(from: number, input: number, output: number, step: number): Int32Array {
  const ends = new Int32Array(output * 2)
  for (let i = 0; i < output; i++) {
    ends[2 * i] = (from + Math.floor((i * input) / output)) * step
    ends[2 * i + 1] = (from + Math.ceil(((i + 1) * input) / output)) * step
  }
  return ends
}

/** A rectangle of whole pixels. */
export interface Region {
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

/**
 * Resizes a region, which must lie inside the picture, by adaptive average pooling: output i is the mean of the
 * inputs from ⌊i·in/out⌋ up to, not including, ⌈(i+1)·in/out⌉, each way. Writes normalized values, (mean − 127.5)
 * / 128, as channel, row, column to `out` from `offset` on; only output rows `top` to `bottom` (exclusive).
 */
export function poolRegion(
  { width: full, sums }: Integral,
  region: Region,
  width: number,
  height: number,
  out: Float32Array,
  offset = 0,
  top = 0,
  bottom = height,
): void {
  const xs = windows(region.x, region.width, width, 3)
  const ys = windows(region.y, region.height, height, (full + 1) * 3)
  const plane = width * (bottom - top)
  // 1 / 128, and 3 because columns are counted in steps of three channels.
  const perPixel = 3 / 128
  const shift = 127.5 / 128
  for (let y = top, o = offset; y < bottom; y++) {
    const upper = ys[2 * y]
    const lower = ys[2 * y + 1]
    const rows = (lower - upper) / ((full + 1) * 3)
    for (let x = 0; x < width; x++, o++) {
      const left = xs[2 * x]
      const right = xs[2 * x + 1]
      const a = upper + left
      const b = upper + right
      const c = lower + left
      const d = lower + right
      const scale = perPixel / (rows * (right - left))
      out[o] = ((sums[d] - sums[c] - sums[b] + sums[a]) | 0) * scale - shift
      out[o + plane] = ((sums[d + 1] - sums[c + 1] - sums[b + 1] + sums[a + 1]) | 0) * scale - shift
      out[o + 2 * plane] = ((sums[d + 2] - sums[c + 2] - sums[b + 2] + sums[a + 2]) | 0) * scale - shift
    }
  }
}
