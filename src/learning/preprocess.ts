import { type Images, imageSize, ImagesError } from "./images.ts"

/**
 * How pixels become network input: `(value / 255 − mean[c]) / std[c]`, per channel. Kept with the model, so that
 * whoever uses it feeds it what it was trained on.
 */
export interface Preprocessing {
  readonly mean: ReadonlyArray<number>
  readonly std: ReadonlyArray<number>
  /**
   * Each picture by its own mean and deviation, over all its channels, in place of `mean` and `std`: light and skin
   * say nothing about an expression. `mean` and `std` then stand for a usual picture, for inputs made from nothing.
   */
  readonly perPicture?: boolean
}

/** Each picture by its own statistics; a usual picture is mid-grey with a deviation of a quarter. */
export const perPicture = (channels: number): Preprocessing => ({
  mean: Array.from({ length: channels }, () => 0.5),
  std: Array.from({ length: channels }, () => 0.25),
  perPicture: true,
})

/** Added to a picture's own deviation (of values in [0, 1]), so that a flat picture's noise is not blown up. */
export const SOFTENING = 0.05

/** The statistics ImageNet networks are fed with (RGB, values in [0, 1]); torchvision's documentation. */
export const IMAGENET_PREPROCESSING: Preprocessing = {
  mean: [0.485, 0.456, 0.406],
  std: [0.229, 0.224, 0.225],
}

/** Below one grey level the pictures are constant; dividing by less would only amplify rounding. */
const LEAST_STD = 1 / 255

/**
 * Mean and standard deviation per channel of a set of pictures, rounded to 6 decimals.
 * @throws ImagesError for an empty set.
 */
export const fitPreprocessing = (images: Images): Preprocessing => {
  const { data, channels } = images
  if (data.length === 0) throw new ImagesError("no pictures to take the mean and the deviation of")
  const sum = new Float64Array(channels)
  const squares = new Float64Array(channels)
  for (let i = 0; i < data.length; i += channels)
    for (let c = 0; c < channels; c++) {
      const value = data[i + c]
      sum[c] += value
      squares[c] += value * value
    }
  const n = data.length / channels
  const round = (value: number): number => Math.round(value * 1e6) / 1e6
  const mean = Array.from(sum, (s) => s / n / 255)
  const std = Array.from(squares, (s, c) => Math.sqrt(Math.max(0, s / n / 255 ** 2 - mean[c] ** 2)))
  return { mean: mean.map(round), std: std.map((s) => round(Math.max(s, LEAST_STD))) }
}

/**
 * Pixels → normalised float32 in the same order [N, H, W, C].
 * @param out filled when given (a reused buffer of the same length), else made.
 * @throws ImagesError when the parameters are for another number of channels.
 */
export const normalise = (
  images: Images,
  preprocessing: Preprocessing,
  out: Float32Array = new Float32Array(images.count * imageSize(images)),
): Float32Array => {
  const { data, channels } = images
  const { mean, std } = preprocessing
  if (mean.length !== channels || std.length !== channels)
    throw new ImagesError(`normalisation for ${mean.length} channel(s), pictures with ${channels}`)
  if (preprocessing.perPicture === true) return normaliseEach(images, out)
  // A table per channel: 256 values, exactly those of the formula.
  const tables = mean.map((m, c) => Float32Array.from({ length: 256 }, (_, v) => (v / 255 - m) / std[c]))
  for (let c = 0; c < channels; c++) {
    const table = tables[c]
    for (let i = c; i < data.length; i += channels) out[i] = table[data[i]]
  }
  return out
}

const normaliseEach = (images: Images, out: Float32Array): Float32Array => {
  const { data } = images
  const size = imageSize(images)
  for (let start = 0; start < data.length; start += size) {
    let [sum, squares] = [0, 0]
    for (let i = start; i < start + size; i++) {
      sum += data[i]
      squares += data[i] * data[i]
    }
    const mean = sum / size
    const scale = 1 / (Math.sqrt(Math.max(0, squares / size - mean * mean)) + SOFTENING * 255)
    for (let i = start; i < start + size; i++) out[i] = (data[i] - mean) * scale
  }
  return out
}
