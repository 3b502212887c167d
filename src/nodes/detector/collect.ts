import { imagesOf } from "../../learning/images.ts"
import { MTCNN_SIZE, type MtcnnNet } from "../../learning/mtcnn/nets.ts"
import type { MtcnnPools, MtcnnSamples } from "../../learning/mtcnn/samples.ts"
import { boxTargets, landmarkTargets, type TrueFace, type Window } from "../../learning/mtcnn/windows.ts"
import type { Random } from "../../learning/random.ts"
import { type Integral, poolRegion } from "../../vision/mtcnn/integral.ts"
import { regionOf } from "./cascade.ts"

export type PoolKind = keyof MtcnnPools

/** How many windows of each kind are kept at most. */
export type Limits = Readonly<Record<PoolKind, number>>

interface Kept {
  readonly pixels: Uint8Array
  readonly boxes: ReadonlyArray<number> | undefined
  readonly landmarks: ReadonlyArray<number> | undefined
  readonly mined: boolean
}

/**
 * Cuts windows out of pictures and keeps a fair choice of at most so many of each kind, however many are offered
 * (reservoir sampling, Vitter's algorithm R): which ones depends on the random numbers and the order alone.
 */
export class WindowCollector {
  private readonly net: MtcnnNet
  private readonly limits: Limits
  private readonly random: Random
  private readonly kept: Readonly<Record<PoolKind, Array<Kept>>> = {
    positive: [],
    part: [],
    negative: [],
    landmark: [],
  }
  private readonly offered: Record<PoolKind, number> = { positive: 0, part: 0, negative: 0, landmark: 0 }

  constructor(net: MtcnnNet, limits: Limits, random: Random) {
    this.net = net
    this.limits = limits
    this.random = random
  }

  /** Offers a window; `face` is the one it is measured against (positives, parts, landmark windows). */
  offer(kind: PoolKind, photo: Integral, window: Window, face: TrueFace | undefined, mined: boolean): void {
    const region = regionOf(window, photo)
    if (region === undefined) return
    const pool = this.kept[kind]
    const seen = this.offered[kind]++
    const place = pool.length < this.limits[kind] ? pool.length : this.random.below(seen + 1)
    if (place >= this.limits[kind]) return
    const side = MTCNN_SIZE[this.net]
    const values = new Float32Array(3 * side * side)
    poolRegion(photo, region, side, side, values)
    pool[place] = {
      pixels: toBytes(values, side * side),
      boxes: face === undefined ? undefined : boxTargets(this.net, window, face),
      landmarks: face === undefined || this.net !== "onet" ? undefined : landmarkTargets(window, face),
      mined,
    }
  }

  /** How many are kept, and how many of them the earlier stages proposed. */
  counts(): { readonly counts: Record<PoolKind, number>; readonly mined: Record<PoolKind, number> } {
    const count = (of: (kept: Kept) => boolean): Record<PoolKind, number> => ({
      positive: this.kept.positive.filter(of).length,
      part: this.kept.part.filter(of).length,
      negative: this.kept.negative.filter(of).length,
      landmark: this.kept.landmark.filter(of).length,
    })
    return { counts: count(() => true), mined: count(({ mined }) => mined) }
  }

  pools(): MtcnnPools {
    const { positive, part, negative, landmark } = this.kept
    const side = MTCNN_SIZE[this.net]
    return {
      positive: pack(positive, side),
      part: pack(part, side),
      negative: pack(negative, side),
      ...(this.net === "onet" ? { landmark: pack(landmark, side) } : {}),
    }
  }
}

/** Normalized channel planes back to interleaved bytes; the network's own scaling follows in training. */
const toBytes = (values: Float32Array, plane: number): Uint8Array => {
  const bytes = new Uint8Array(values.length)
  for (let i = 0; i < plane; i++)
    for (let c = 0; c < 3; c++)
      bytes[i * 3 + c] = Math.max(0, Math.min(255, Math.round(values[c * plane + i] * 128 + 127.5)))
  return bytes
}

const pack = (kept: ReadonlyArray<Kept>, side: number): MtcnnSamples => {
  const size = side * side * 3
  const data = new Uint8Array(kept.length * size)
  for (const [i, { pixels }] of kept.entries()) data.set(pixels, i * size)
  const numbers = (of: "boxes" | "landmarks"): Float32Array | undefined =>
    kept.length > 0 && kept.every((one) => one[of] !== undefined)
      ? Float32Array.from(kept.flatMap((one) => one[of] ?? []))
      : undefined
  const boxes = numbers("boxes")
  const landmarks = numbers("landmarks")
  return {
    images: imagesOf(data, { height: side, width: side, channels: 3 }),
    ...(boxes === undefined ? {} : { boxes }),
    ...(landmarks === undefined ? {} : { landmarks }),
  }
}
