import { type Images, imageAt, imageSize } from "./images.ts"
import { randomOf } from "./random.ts"

/**
 * The four augmentations of the source paper: horizontal flip, rotation, colour (a saturation factor) and
 * brightness (a factor). Each can be switched off alone; ranges are inclusive below, exclusive above.
 */
export interface Augmentation {
  /** Probability of a left–right mirror. */
  readonly flip: number
  /** Largest rotation, degrees to either side. */
  readonly rotation: number
  /** Saturation is multiplied by a factor in this range; grey pictures have none and stay as they are. */
  readonly saturation: readonly [number, number]
  /** Brightness is multiplied by a factor in this range. */
  readonly brightness: readonly [number, number]
}

export const DEFAULT_AUGMENTATION: Augmentation = {
  flip: 0.5,
  rotation: 10,
  saturation: [0.5, 1.5],
  brightness: [0.5, 1.5],
}

export const NO_AUGMENTATION: Augmentation = { flip: 0, rotation: 0, saturation: [1, 1], brightness: [1, 1] }

interface Frame {
  readonly height: number
  readonly width: number
  readonly channels: 1 | 3
}

/** Mirror left–right. */
export const flipHorizontally = (
  source: Uint8Array,
  { height, width, channels }: Frame,
): Uint8Array<ArrayBuffer> => {
  const out = new Uint8Array(source.length)
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      for (let c = 0; c < channels; c++)
        out[(y * width + x) * channels + c] = source[(y * width + width - 1 - x) * channels + c]
  return out
}

/**
 * Rotate about the centre, counter-clockwise as seen, by bilinear sampling; what lies outside repeats the edge.
 * @param degrees angle; 0 gives an exact copy.
 */
export const rotate = (source: Uint8Array, frame: Frame, degrees: number): Uint8Array<ArrayBuffer> => {
  const { height, width, channels } = frame
  const out = new Uint8Array(source.length)
  const cos = Math.cos((degrees * Math.PI) / 180)
  const sin = Math.sin((degrees * Math.PI) / 180)
  const [cx, cy] = [(width - 1) / 2, (height - 1) / 2]
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      // The image's y axis points down, so the inverse of a counter-clockwise turn is this one.
      const u = Math.min(Math.max(cx + (x - cx) * cos - (y - cy) * sin, 0), width - 1)
      const v = Math.min(Math.max(cy + (x - cx) * sin + (y - cy) * cos, 0), height - 1)
      const [x0, y0] = [Math.floor(u), Math.floor(v)]
      const [fx, fy] = [u - x0, v - y0]
      const right = x0 + 1 < width ? channels : 0
      const below = y0 + 1 < height ? width * channels : 0
      const from = (y0 * width + x0) * channels
      for (let c = 0; c < channels; c++) {
        const i = from + c
        const top = source[i] * (1 - fx) + source[i + right] * fx
        const bottom = source[i + below] * (1 - fx) + source[i + below + right] * fx
        out[(y * width + x) * channels + c] = Math.round(top * (1 - fy) + bottom * fy)
      }
    }
  return out
}

const toByte = (value: number): number => Math.min(255, Math.max(0, Math.round(value)))

/** Multiply every value by `factor`, rounded and clamped to 0…255; 1 = unchanged. */
export const scaleBrightness = (source: Uint8Array, factor: number): Uint8Array<ArrayBuffer> => {
  const table = Uint8Array.from({ length: 256 }, (_, v) => toByte(v * factor))
  return Uint8Array.from(source, (v) => table[v])
}

/**
 * Move each pixel away from (factor > 1) or towards (< 1) its own grey: `grey + factor · (value − grey)` with the
 * luma weights of ITU-R BT.601 (0.299, 0.587, 0.114). Grey pictures are returned unchanged.
 */
export const scaleSaturation = (
  source: Uint8Array,
  frame: Frame,
  factor: number,
): Uint8Array<ArrayBuffer> => {
  const out = new Uint8Array(source)
  if (frame.channels === 1 || factor === 1) return out
  for (let i = 0; i < source.length; i += 3) {
    const grey = 0.299 * source[i] + 0.587 * source[i + 1] + 0.114 * source[i + 2]
    for (let c = 0; c < 3; c++) out[i + c] = toByte(grey + factor * (source[i + c] - grey))
  }
  return out
}

/**
 * One picture, augmented. What happens depends only on (seed, epoch, sample): not on the order of samples, on
 * batches or on how many workers there are. All four numbers are always drawn, so that switching one augmentation
 * off leaves the others as they were (an ablation compares like with like).
 */
export const augmentImage = (
  source: Uint8Array,
  frame: Frame,
  augmentation: Augmentation,
  key: { readonly seed: number; readonly epoch: number; readonly sample: number },
): Uint8Array => {
  const random = randomOf("augment", key.seed, key.epoch, key.sample)
  const between = ([low, high]: readonly [number, number]): number => low + (high - low) * random.uniform()
  const flip = random.uniform() < augmentation.flip
  const degrees = between([-augmentation.rotation, augmentation.rotation])
  const saturation = between(augmentation.saturation)
  const brightness = between(augmentation.brightness)
  let image = source
  if (flip) image = flipHorizontally(image, frame)
  if (degrees !== 0) image = rotate(image, frame, degrees)
  if (saturation !== 1) image = scaleSaturation(image, frame, saturation)
  if (brightness !== 1) image = scaleBrightness(image, brightness)
  return image
}

/** The pictures at `indices`, each augmented under its own index in `images`. */
export const augmentBatch = (
  images: Images,
  indices: ArrayLike<number>,
  augmentation: Augmentation,
  key: { readonly seed: number; readonly epoch: number },
): Images => {
  const size = imageSize(images)
  const data = new Uint8Array(indices.length * size)
  for (let i = 0; i < indices.length; i++) {
    const sample = indices[i]
    data.set(augmentImage(imageAt(images, sample), images, augmentation, { ...key, sample }), i * size)
  }
  return { ...images, data, count: indices.length }
}
