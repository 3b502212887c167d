import { type Augmentation, flipHorizontally } from "../augment.ts"
import { type Images, imageAt, imageSize } from "../images.ts"
import { permutation, type Random, randomOf } from "../random.ts"
import { MTCNN_SIZE, type MtcnnNet } from "./nets.ts"

/** Square RGB windows of a network's input size, with what is known about each. */
export interface MtcnnSamples {
  readonly images: Images
  /** [N, 4]: the true box's (x1, y1, x2, y2) minus the window's, in parts of the window's side. */
  readonly boxes?: Float32Array
  /** [N, 10]: five x then five y in parts of the window (left eye, right eye, nose, mouth corners, as seen). */
  readonly landmarks?: Float32Array
}

/**
 * Windows by their overlap with a true face (intersection over union): positive > 0.65, part 0.4 … 0.65, negative
 * < 0.3; landmark windows hold a face with known points. Positives and parts need `boxes`, landmark windows
 * `landmarks`.
 */
export interface MtcnnPools {
  readonly positive: MtcnnSamples
  readonly part: MtcnnSamples
  readonly negative: MtcnnSamples
  /** Used by O-Net only: the other two networks have no landmark output. */
  readonly landmark?: MtcnnSamples | undefined
}

/** Windows of the wrong size, or without what their kind needs. */
export class MtcnnSamplesError extends Error {
  readonly _tag = "MtcnnSamplesError"
  override readonly name = "MtcnnSamplesError"
}

type Kind = keyof MtcnnPools

/** Shares in a batch. */
const MIX: Readonly<Record<Kind, number>> = { positive: 1, part: 1, landmark: 1, negative: 3 }

/** @throws MtcnnSamplesError naming the pool and what is wrong with it. */
export const checkPools = (net: MtcnnNet, pools: MtcnnPools): void => {
  const size = MTCNN_SIZE[net]
  const check = (
    kind: Kind,
    samples: MtcnnSamples | undefined,
    per: "boxes" | "landmarks" | undefined,
  ): void => {
    if (samples === undefined || samples.images.count === 0)
      throw new MtcnnSamplesError(`${net} needs ${kind} windows and got none`)
    const { images } = samples
    if (images.height !== size || images.width !== size || images.channels !== 3)
      throw new MtcnnSamplesError(
        `${kind} windows are ${images.height}×${images.width}×${images.channels}, ${net} takes ${size}×${size}×3`,
      )
    const wanted = images.count * (per === "boxes" ? 4 : 10)
    if (per !== undefined && samples[per]?.length !== wanted)
      throw new MtcnnSamplesError(
        `${images.count} ${kind} windows need ${wanted} ${per} values, there are ${samples[per]?.length ?? 0}`,
      )
  }
  check("positive", pools.positive, "boxes")
  check("part", pools.part, "boxes")
  check("negative", pools.negative, undefined)
  if (net === "onet") check("landmark", pools.landmark, "landmarks")
}

/** One batch: pixels and targets; rows without a kind of target have weight 0 in its mask. */
export interface MtcnnBatch {
  readonly images: Images
  /** [B, 2], one-hot (no face, face); zeros where the class isn't judged. */
  readonly classes: Float32Array
  readonly classMask: Float32Array
  /** [B, 4] */
  readonly boxes: Float32Array
  readonly boxMask: Float32Array
  /** [B, 10] */
  readonly landmarks: Float32Array
  readonly landmarkMask: Float32Array
}

/** How many of each kind a batch holds: the mix 1 : 1 : 1 : 3 as nearly as whole numbers allow. */
export const batchMix = (net: MtcnnNet, batchSize: number): Readonly<Record<Kind, number>> => {
  const share = (kind: Kind): number => (kind === "landmark" && net !== "onet" ? 0 : MIX[kind])
  const total = share("positive") + share("part") + share("landmark") + share("negative")
  const of = (kind: Kind): number => Math.floor((batchSize * share(kind)) / total)
  const [positive, part, landmark] = [of("positive"), of("part"), of("landmark")]
  return { positive, part, landmark, negative: batchSize - positive - part - landmark }
}

/** Mirrored left–right: the box offsets of the two sides change places and sign; so do left and right points. */
export const mirrorBox = ([x1, y1, x2, y2]: ArrayLike<number> & Iterable<number>): Array<number> => [
  -x2,
  y1,
  -x1,
  y2,
]

/** Landmarks of a mirrored window: x → 1 − x, then the two eyes and the two mouth corners swap. */
export const mirrorLandmarks = (points: ArrayLike<number>): Array<number> => {
  const swap = [1, 0, 2, 4, 3]
  return [...swap.map((i) => 1 - points[i]), ...swap.map((i) => points[5 + i])]
}

/** Endless seeded draws from a pool: one shuffle after the other, each window once per shuffle. */
const draws = (count: number, seed: number, kind: Kind): (() => number) => {
  let order = new Uint32Array(0)
  let next = 0
  let round = 0
  return () => {
    if (next === order.length) {
      order = Uint32Array.from(permutation(count, randomOf("mtcnn", seed, kind, round++)))
      next = 0
    }
    return order[next++]
  }
}

/**
 * Which windows teach what besides their class: boxes the positives and parts, landmarks the landmark windows. With
 * `all`, every kind but negatives teaches boxes, and positives landmarks too: more to learn from in every batch. Not
 * parts: the cascade asks for landmarks of well-placed windows only, and theirs lie too far about to help.
 */
const teaches = (what: "boxes" | "landmarks", kind: Kind, all: boolean): boolean =>
  kind === "negative"
    ? false
    : what === "boxes"
      ? all || kind !== "landmark"
      : kind === "landmark" || (all && kind === "positive")

/** How many rows of a batch have a box, and landmarks, to learn. */
export const taughtRows = (
  net: MtcnnNet,
  pools: MtcnnPools,
  batchSize: number,
  all = false,
): { readonly boxes: number; readonly landmarks: number } => {
  const mix = batchMix(net, batchSize)
  const kinds: ReadonlyArray<Kind> = ["positive", "part", "landmark", "negative"]
  const rows = (what: "boxes" | "landmarks"): number =>
    kinds.reduce(
      (sum, kind) => sum + (pools[kind]?.[what] !== undefined && teaches(what, kind, all) ? mix[kind] : 0),
      0,
    )
  return { boxes: rows("boxes"), landmarks: rows("landmarks") }
}

/** What may be changed about a window; rotation is left out, as it would move the box. */
export type WindowAugmentation = Omit<Augmentation, "rotation">

/**
 * Another saturation and brightness, both drawn, in one pass: `b · (grey + s · (value − grey))` with the luma weights
 * of ITU-R BT.601, rounded and clamped to bytes.
 */
const photometric = (image: Uint8Array, change: WindowAugmentation, random: Random): Uint8Array => {
  const between = ([low, high]: readonly [number, number]): number => low + (high - low) * random.uniform()
  const saturation = between(change.saturation)
  const brightness = between(change.brightness)
  const own = saturation * brightness
  const [r, g, b] = [0.299, 0.587, 0.114].map((luma) => luma * (brightness - own))
  const out = new Uint8ClampedArray(image.length)
  for (let i = 0; i < image.length; i += 3) {
    const grey = r * image[i] + g * image[i + 1] + b * image[i + 2]
    out[i] = grey + own * image[i]
    out[i + 1] = grey + own * image[i + 1]
    out[i + 2] = grey + own * image[i + 2]
  }
  return new Uint8Array(out.buffer)
}

/** Batches without end; batch n depends on the pools, the seed and n only when drawn in order from the start. */
export const batchSource = (
  net: MtcnnNet,
  pools: MtcnnPools,
  options: {
    readonly batchSize: number
    readonly seed: number
    readonly augmentation: WindowAugmentation
    readonly allTargets?: boolean | undefined
  },
): (() => MtcnnBatch) => {
  const { batchSize, seed, augmentation, allTargets = false } = options
  const mix = batchMix(net, batchSize)
  const kinds: ReadonlyArray<Kind> = ["positive", "part", "landmark", "negative"]
  const sources = kinds.flatMap((kind) => {
    const pool = pools[kind]
    return mix[kind] === 0 || pool === undefined
      ? []
      : [{ kind, pool, n: mix[kind], draw: draws(pool.images.count, seed, kind) }]
  })
  let number = 0
  return () => {
    const frame = pools.positive.images
    const size = imageSize(frame)
    const batch: MtcnnBatch = {
      images: { ...frame, data: new Uint8Array(batchSize * size), count: batchSize },
      classes: new Float32Array(batchSize * 2),
      classMask: new Float32Array(batchSize),
      boxes: new Float32Array(batchSize * 4),
      boxMask: new Float32Array(batchSize),
      landmarks: new Float32Array(batchSize * 10),
      landmarkMask: new Float32Array(batchSize),
    }
    const random = randomOf("mtcnn-augment", seed, number++)
    let row = 0
    for (const { kind, pool, n, draw } of sources)
      for (let i = 0; i < n; i++, row++) {
        const index = draw()
        const flip = random.uniform() < augmentation.flip
        const image = photometric(imageAt(pool.images, index), augmentation, random)
        batch.images.data.set(flip ? flipHorizontally(image, frame) : image, row * size)
        if (kind === "positive" || kind === "negative") {
          batch.classMask[row] = 1
          batch.classes[row * 2 + (kind === "positive" ? 1 : 0)] = 1
        }
        if (pool.boxes !== undefined && teaches("boxes", kind, allTargets)) {
          const box = pool.boxes.subarray(index * 4, index * 4 + 4)
          batch.boxes.set(flip ? mirrorBox(box) : box, row * 4)
          batch.boxMask[row] = 1
        }
        if (pool.landmarks !== undefined && teaches("landmarks", kind, allTargets)) {
          const points = pool.landmarks.subarray(index * 10, index * 10 + 10)
          batch.landmarks.set(flip ? mirrorLandmarks(points) : points, row * 10)
          batch.landmarkMask[row] = 1
        }
      }
    return batch
  }
}
