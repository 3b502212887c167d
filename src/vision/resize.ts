import { raster, type Raster } from "./raster.ts"

/** How an output pixel is made along one axis: `taps` weights from input index `start[i]` on. */
interface Axis {
  readonly taps: number
  readonly start: Int32Array
  readonly weights: Float64Array
}

/** Area: output i is the mean of the input over [i·in/out, (i+1)·in/out), parts of pixels by their share. */
function areaAxis(input: number, output: number): Axis {
  const ratio = input / output
  const taps = Math.min(input, Math.ceil(ratio) + 1)
  const start = new Int32Array(output)
  const weights = new Float64Array(output * taps)
  for (let i = 0; i < output; i++) {
    // From whole numbers each time, so that no error adds up along the axis.
    const from = (i * input) / output
    const to = ((i + 1) * input) / output
    const first = Math.min(Math.floor(from), input - taps)
    start[i] = first
    for (let t = 0; t < taps; t++) {
      const cover = Math.min(to, first + t + 1) - Math.max(from, first + t)
      if (cover > 0) weights[i * taps + t] = cover / ratio
    }
  }
  return { taps, start, weights }
}

/** Bilinear: pixel centres at half integers, so the centre of output i is (i + 0.5)·in/out − 0.5; clamped. */
function bilinearAxis(input: number, output: number): Axis {
  const taps = Math.min(2, input)
  const start = new Int32Array(output)
  const weights = new Float64Array(output * taps)
  for (let i = 0; i < output; i++) {
    const centre = Math.min(Math.max(((i + 0.5) * input) / output - 0.5, 0), input - 1)
    const first = Math.min(Math.floor(centre), input - taps)
    start[i] = first
    const fraction = centre - first
    weights[i * taps] = 1 - fraction
    if (taps === 2) weights[i * taps + 1] = fraction
  }
  return { taps, start, weights }
}

/** Separable resampling: rows first, into floats, then columns; rounded once, to nearest. */
function resample(image: Raster, width: number, height: number, xs: Axis, ys: Axis): Raster {
  const { channels, data } = image
  const out = raster(width, height, channels)
  const rowLength = width * channels
  // Only the rows that the current output row needs are kept: a ring of `taps` filtered rows.
  const slots = ys.taps
  const ring = Array.from({ length: slots }, () => new Float64Array(rowLength))
  const held = new Int32Array(slots).fill(-1)
  const sums = new Float64Array(rowLength)
  for (let y = 0; y < height; y++) {
    sums.fill(0.5)
    const first = ys.start[y]
    for (let t = 0; t < slots; t++) {
      const weight = ys.weights[y * slots + t]
      if (weight === 0) continue
      const source = first + t
      const row = ring[source % slots]
      if (held[source % slots] !== source) {
        filterRow(data, source * image.width * channels, channels, width, xs, row)
        held[source % slots] = source
      }
      for (let i = 0; i < rowLength; i++) sums[i] += weight * row[i]
    }
    const base = y * rowLength
    for (let i = 0; i < rowLength; i++) out.data[base + i] = sums[i]!
  }
  return out
}

function filterRow(
  data: Uint8Array,
  offset: number,
  channels: number,
  width: number,
  xs: Axis,
  row: Float64Array,
): void {
  const { taps, start, weights } = xs
  if (channels === 1) {
    for (let x = 0; x < width; x++) {
      let sum = 0
      let p = offset + start[x]
      for (let t = x * taps; t < (x + 1) * taps; t++) sum += weights[t] * data[p++]
      row[x] = sum
    }
    return
  }
  for (let x = 0, o = 0; x < width; x++, o += 3) {
    let r = 0
    let g = 0
    let b = 0
    let p = offset + start[x] * 3
    for (let t = x * taps; t < (x + 1) * taps; t++, p += 3) {
      const weight = weights[t]
      r += weight * data[p]
      g += weight * data[p + 1]
      b += weight * data[p + 2]
    }
    row[o] = r
    row[o + 1] = g
    row[o + 2] = b
  }
}

/** Resamples by area means (a box filter, exact at fractions of a pixel): right for making smaller. */
export function resizeArea(image: Raster, width: number, height: number): Raster {
  if (width === image.width && height === image.height) return image
  raster(width, height, 1)
  return resample(image, width, height, areaAxis(image.width, width), areaAxis(image.height, height))
}

/**
 * Resamples between the two nearest pixels each way (half-pixel centres, edges repeated), without a low-pass
 * filter: right for making larger, aliased when making much smaller.
 */
export function resizeBilinear(image: Raster, width: number, height: number): Raster {
  if (width === image.width && height === image.height) return image
  raster(width, height, 1)
  return resample(image, width, height, bilinearAxis(image.width, width), bilinearAxis(image.height, height))
}

/** Resamples each axis by what suits it: area where it shrinks, bilinear where it grows. */
export function resize(image: Raster, width: number, height: number): Raster {
  if (width === image.width && height === image.height) return image
  raster(width, height, 1)
  const axis = (from: number, to: number) => (to < from ? areaAxis(from, to) : bilinearAxis(from, to))
  return resample(image, width, height, axis(image.width, width), axis(image.height, height))
}
