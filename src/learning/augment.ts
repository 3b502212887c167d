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

/**
 * Mirror left–right.
 * @param out where it goes: another array of the same length, made when left out.
 */
export const flipHorizontally = (
  source: Uint8Array,
  { height, width, channels }: Frame,
  out: Uint8Array = new Uint8Array(source.length),
): Uint8Array => {
  const row = width * channels
  for (let y = 0; y < height; y++)
    for (let x = 0, to = y * row, from = (y + 1) * row - channels; x < width; x++, from -= 2 * channels)
      for (let c = 0; c < channels; c++) out[to++] = source[from++]
  return out
}

/**
 * Rotate about the centre, counter-clockwise as seen, by bilinear sampling; what lies outside repeats the edge.
 * @param degrees angle; 0 gives an exact copy.
 * @param out where it goes: another array of the same length, made when left out.
 */
export const rotate = (
  source: Uint8Array,
  frame: Frame,
  degrees: number,
  out: Uint8Array = new Uint8Array(source.length),
): Uint8Array => {
  const { height, width, channels } = frame
  const cos = Math.cos((degrees * Math.PI) / 180)
  const sin = Math.sin((degrees * Math.PI) / 180)
  const [cx, cy] = [(width - 1) / 2, (height - 1) / 2]
  const [right, bottom] = [width - 1, height - 1]
  const row = width * channels
  let at = 0
  for (let y = 0; y < height; y++) {
    // The image's y axis points down, so the inverse of a counter-clockwise turn is this one.
    const across = (y - cy) * sin
    const down = (y - cy) * cos
    for (let x = 0; x < width; x++) {
      const u = Math.min(Math.max(cx + (x - cx) * cos - across, 0), right)
      const v = Math.min(Math.max(cy + (x - cx) * sin + down, 0), bottom)
      // Nothing here is negative: cutting off is rounding down, and after half was added to the nearest.
      const x0 = u | 0
      const y0 = v | 0
      const fx = u - x0
      const fy = v - y0
      const toRight = x0 < right ? channels : 0
      const toBelow = y0 < bottom ? row : 0
      let i = y0 * row + x0 * channels
      for (let c = 0; c < channels; c++, i++) {
        const top = source[i] * (1 - fx) + source[i + toRight] * fx
        const under = source[i + toBelow] * (1 - fx) + source[i + toBelow + toRight] * fx
        out[at++] = (top * (1 - fy) + under * fy + 0.5) | 0
      }
    }
  }
  return out
}

const toByte = (value: number): number => (value <= 0 ? 0 : value >= 255 ? 255 : (value + 0.5) | 0)

/**
 * Multiply every value by `factor`, rounded and clamped to 0…255; 1 = unchanged.
 * @param out where it goes (may be `source`); made when left out.
 */
export const scaleBrightness = (
  source: Uint8Array,
  factor: number,
  out: Uint8Array = new Uint8Array(source.length),
): Uint8Array => {
  const table = new Uint8Array(256)
  for (let v = 0; v < 256; v++) table[v] = toByte(v * factor)
  for (let i = 0; i < source.length; i++) out[i] = table[source[i]]
  return out
}

/**
 * Move each pixel away from (factor > 1) or towards (< 1) its own grey: `grey + factor · (value − grey)` with the
 * luma weights of ITU-R BT.601 (0.299, 0.587, 0.114). Grey pictures stay as they are.
 * @param out where it goes (may be `source`); made when left out.
 */
export const scaleSaturation = (
  source: Uint8Array,
  frame: Frame,
  factor: number,
  out: Uint8Array = new Uint8Array(source.length),
): Uint8Array => {
  if (frame.channels === 1 || factor === 1) {
    if (out !== source) out.set(source)
    return out
  }
  for (let i = 0; i < source.length; i += 3) {
    const r = source[i]
    const g = source[i + 1]
    const b = source[i + 2]
    const grey = 0.299 * r + 0.587 * g + 0.114 * b
    out[i] = toByte(grey + factor * (r - grey))
    out[i + 1] = toByte(grey + factor * (g - grey))
    out[i + 2] = toByte(grey + factor * (b - grey))
  }
  return out
}

/** Between a mirrored picture and its rotation; one for all pictures of a size. */
let between = new Uint8Array(0)

/**
 * One picture, augmented. What happens depends only on (seed, epoch, sample): not on the order of samples, on
 * batches or on how many workers there are. All four numbers are always drawn, so that switching one augmentation
 * off leaves the others as they were (an ablation compares like with like).
 * @param out where it goes: another array of the same length, made when left out.
 */
export const augmentImage = (
  source: Uint8Array,
  frame: Frame,
  augmentation: Augmentation,
  key: { readonly seed: number; readonly epoch: number; readonly sample: number },
  out: Uint8Array = new Uint8Array(source.length),
): Uint8Array => {
  const random = randomOf("augment", key.seed, key.epoch, key.sample)
  const inRange = ([low, high]: readonly [number, number]): number => low + (high - low) * random.uniform()
  const flip = random.uniform() < augmentation.flip
  const degrees = inRange([-augmentation.rotation, augmentation.rotation])
  const saturation = inRange(augmentation.saturation)
  const brightness = inRange(augmentation.brightness)
  if (degrees !== 0) {
    if (flip && between.length !== source.length) between = new Uint8Array(source.length)
    rotate(flip ? flipHorizontally(source, frame, between) : source, frame, degrees, out)
  } else if (flip) flipHorizontally(source, frame, out)
  else out.set(source)
  if (saturation !== 1) scaleSaturation(out, frame, saturation, out)
  if (brightness !== 1) scaleBrightness(out, brightness, out)
  return out
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
    const out = data.subarray(i * size, (i + 1) * size)
    augmentImage(imageAt(images, sample), images, augmentation, { ...key, sample }, out)
  }
  return { ...images, data, count: indices.length }
}
