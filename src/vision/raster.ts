/**
 * An uncompressed picture: rows from the top, pixels from the left, channels interleaved (RGB order),
 * one byte a value, no padding: `data[(y * width + x) * channels + c]`.
 */
export interface Raster {
  readonly width: number
  readonly height: number
  readonly channels: 1 | 3
  readonly data: Uint8Array
}

/**
 * Makes a raster, checking that sizes and data agree.
 * @throws RangeError when a side is not a positive integer or `data` has another length than w·h·c
 */
export function raster(width: number, height: number, channels: 1 | 3, data?: Uint8Array): Raster {
  if (!Number.isInteger(width) || !Number.isInteger(height) || width < 1 || height < 1) {
    throw new RangeError(`A raster needs sides of at least one whole pixel, not ${width} × ${height}.`)
  }
  const length = width * height * channels
  if (data !== undefined && data.length !== length) {
    throw new RangeError(
      `A raster of ${width} × ${height} × ${channels} needs ${length} bytes, not ${data.length}.`,
    )
  }
  return { width, height, channels, data: data ?? new Uint8Array(length) }
}

/**
 * Luma of ITU-R BT.601 (0.299 R + 0.587 G + 0.114 B), in 16-bit fixed point and rounded to nearest, so that
 * a grey RGB picture keeps its values exactly. A grey raster is returned as it is.
 */
export function toGray(image: Raster): Raster {
  if (image.channels === 1) return image
  const { data } = image
  const count = image.width * image.height
  const out = new Uint8Array(count)
  for (let i = 0, p = 0; i < count; i++, p += 3) {
    out[i] = (19595 * data[p] + 38470 * data[p + 1] + 7471 * data[p + 2] + 32768) >> 16
  }
  return { width: image.width, height: image.height, channels: 1, data: out }
}

/** The same picture with three equal channels. An RGB raster is returned as it is. */
export function toRgb(image: Raster): Raster {
  if (image.channels === 3) return image
  const { data } = image
  const out = new Uint8Array(data.length * 3)
  for (let i = 0, p = 0; i < data.length; i++, p += 3) {
    const v = data[i]
    out[p] = v
    out[p + 1] = v
    out[p + 2] = v
  }
  return { width: image.width, height: image.height, channels: 3, data: out }
}

/**
 * The rectangle of `width` × `height` pixels whose top left pixel is (x, y). It may reach outside of the
 * picture, wholly or in part: what lies outside is zero.
 * @throws RangeError when x or y is not an integer, or a side is not a positive integer
 */
export function crop(image: Raster, x: number, y: number, width: number, height: number): Raster {
  if (!Number.isInteger(x) || !Number.isInteger(y)) {
    throw new RangeError(`A crop starts at a whole pixel, not at (${x}, ${y}).`)
  }
  const out = raster(width, height, image.channels)
  const c = image.channels
  const left = Math.max(x, 0)
  const right = Math.min(x + width, image.width)
  if (right <= left) return out
  const bottom = Math.min(y + height, image.height)
  for (let row = Math.max(y, 0); row < bottom; row++) {
    const from = (row * image.width + left) * c
    out.data.set(image.data.subarray(from, from + (right - left) * c), ((row - y) * width + (left - x)) * c)
  }
  return out
}
