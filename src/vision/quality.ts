import { toGray, type Raster } from "./raster.ts"

/** Plain measures of a picture, kept beside it so that data can be looked at and filtered by them. */
export interface Quality {
  /** Variance of the Laplacian of the grey picture (Pech-Pacheco et al. 2000): low for blur; grows with noise. */
  readonly sharpness: number
  /** Mean luma, 0 (black) to 255. */
  readonly luminance: number
  /** Standard deviation of luma, 0 (flat) to 127.5. */
  readonly contrast: number
}

/** Measures a picture. Sharpness depends on the size: compare pictures of one size only. */
export function measureQuality(image: Raster): Quality {
  const { width, height, data } = toGray(image)
  let sum = 0
  let squares = 0
  for (let i = 0; i < data.length; i++) {
    sum += data[i]
    squares += data[i] * data[i]
  }
  const luminance = sum / data.length
  const contrast = Math.sqrt(Math.max(0, squares / data.length - luminance * luminance))

  // The Laplacian needs all four neighbours, so the border is left out. Sums of integers: exact in any order.
  let lapSum = 0
  let lapSquares = 0
  for (let y = 1; y < height - 1; y++) {
    for (let i = y * width + 1, end = (y + 1) * width - 1; i < end; i++) {
      const lap = data[i - 1] + data[i + 1] + data[i - width] + data[i + width] - 4 * data[i]
      lapSum += lap
      lapSquares += lap * lap
    }
  }
  const inner = (width - 2) * (height - 2)
  const mean = lapSum / inner
  const sharpness = width < 3 || height < 3 ? 0 : lapSquares / inner - mean * mean
  return { sharpness, luminance, contrast }
}
