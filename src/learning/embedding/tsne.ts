import { setImmediate } from "node:timers/promises"
import { randomOf } from "../random.ts"

export interface TsneOptions {
  /** [count, width], row major. */
  readonly points: ArrayLike<number>
  readonly count: number
  /**
   * Where the points start, [count, 2], of any scale: their first two principal components keep the large structure
   * from run to run (Kobak & Berens 2019).
   */
  readonly start: ArrayLike<number>
  /** How many neighbours count, about; at most a third of the points. Default 30. */
  readonly perplexity?: number | undefined
  /** Default 1000. */
  readonly iterations?: number | undefined
  readonly seed?: number | undefined
  /** Called now and then. */
  readonly onProgress?: ((iteration: number) => void | Promise<void>) | undefined
  readonly signal?: AbortSignal | undefined
}

export interface TsneMap {
  /** [count, 2], centred. */
  readonly points: Float64Array
  /** Kullback–Leibler divergence that is left, nats. */
  readonly divergence: number
  /** As used. */
  readonly perplexity: number
}

/** Points that no map can be made of. */
export class MapError extends Error {
  readonly _tag = "MapError"
  override readonly name = "MapError"
}

/** Attraction is multiplied by this during the first steps, so that clusters form early. */
const EXAGGERATION = 12
const EXAGGERATED_STEPS = 250
/** Momentum during those steps, and after. */
const MOMENTUM = [0.5, 0.8] as const
/** Standard deviation of the start: small, so that far points do not have to cross each other. */
const START_DEVIATION = 1e-4
/** Pairs that hardly belong together still count this much, so that logarithms exist. */
const LEAST = 1e-12

/** Index of the pair i < j in packed storage. */
const pair = (i: number, j: number, n: number): number => i * n - (i * (i + 1)) / 2 + j - i - 1

/**
 * Joint probabilities of all pairs i < j, packed, summing to 1/2 (each stands for two): Gaussian similarities whose
 * width gives each point the same perplexity, made symmetric (van der Maaten & Hinton 2008, equations 1 and §3.1).
 */
export const jointProbabilities = (
  points: ArrayLike<number>,
  count: number,
  perplexity: number,
): Float64Array => {
  const width = points.length / count
  const distances = new Float64Array((count * (count - 1)) / 2)
  for (let i = 0, at = 0; i < count; i++)
    for (let j = i + 1; j < count; j++, at++) {
      let sum = 0
      for (let t = 0; t < width; t++) {
        const difference = points[i * width + t] - points[j * width + t]
        sum += difference * difference
      }
      distances[at] = sum
    }
  const joint = new Float64Array(distances.length)
  const row = new Float64Array(count)
  for (let i = 0; i < count; i++) {
    for (let j = 0; j < count; j++)
      row[j] = i === j ? Infinity : distances[i < j ? pair(i, j, count) : pair(j, i, count)]
    conditional(row, Math.log(perplexity))
    for (let j = 0; j < count; j++)
      if (i !== j) joint[i < j ? pair(i, j, count) : pair(j, i, count)] += row[j] / (2 * count)
  }
  return joint.map((p) => Math.max(p, LEAST))
}

/** Squared distances to one point → probabilities of that entropy, in place; an infinite one gets 0. */
const conditional = (row: Float64Array, entropy: number): void => {
  const nearest = row.reduce((least, d) => Math.min(least, d), Infinity)
  let mean = 0
  for (const d of row) if (d < Infinity) mean += (d - nearest) / (row.length - 1)
  // All as near as the nearest: nothing to be told apart.
  let precision = mean > 0 ? 1 / mean : 0
  let [low, high] = [0, Infinity]
  let sum = 0
  for (let step = 0; step < 100; step++) {
    let weighted = 0
    sum = 0
    for (const d of row) {
      if (d === Infinity) continue
      const p = Math.exp(-(d - nearest) * precision)
      sum += p
      weighted += (d - nearest) * p
    }
    const difference = Math.log(sum) + (precision * weighted) / sum - entropy
    if (Math.abs(difference) < 1e-7 || precision === 0) break
    if (difference > 0) low = precision
    else high = precision
    precision = high === Infinity ? precision * 2 : (low + high) / 2
  }
  for (let j = 0; j < row.length; j++)
    row[j] = row[j] === Infinity ? 0 : Math.exp(-(row[j] - nearest) * precision) / sum
}

/** 1 / (1 + distance²) of all pairs i < j, packed, into `out`; gives the sum over ordered pairs. */
const closeness = (map: Float64Array, count: number, out: Float64Array): number => {
  let sum = 0
  for (let i = 0, at = 0; i < count; i++) {
    const [x, y] = [map[2 * i], map[2 * i + 1]]
    for (let j = i + 1; j < count; j++, at++) {
      const [dx, dy] = [x - map[2 * j], y - map[2 * j + 1]]
      const value = 1 / (1 + dx * dx + dy * dy)
      out[at] = value
      sum += value
    }
  }
  return 2 * sum
}

/** KL(P ‖ Q) of a map [count, 2] for packed joint probabilities, nats. */
export const divergenceOf = (joint: Float64Array, map: Float64Array): number => {
  const near = new Float64Array(joint.length)
  const sum = closeness(map, map.length / 2, near)
  let divergence = 0
  for (let at = 0; at < joint.length; at++)
    divergence += 2 * joint[at] * Math.log(joint[at] / Math.max(near[at] / sum, LEAST))
  return divergence
}

/** ∂KL/∂map (van der Maaten & Hinton 2008, equation 5) with P times `exaggeration`, into `out` [count, 2]. */
export const gradientOf = (
  joint: Float64Array,
  map: Float64Array,
  exaggeration: number,
  near: Float64Array,
  out: Float64Array,
): void => {
  const count = map.length / 2
  const inverse = 1 / closeness(map, count, near)
  out.fill(0)
  for (let i = 0, at = 0; i < count; i++) {
    const [x, y] = [map[2 * i], map[2 * i + 1]]
    let [gx, gy] = [0, 0]
    for (let j = i + 1; j < count; j++, at++) {
      const force = 4 * (exaggeration * joint[at] - near[at] * inverse) * near[at]
      const [fx, fy] = [force * (x - map[2 * j]), force * (y - map[2 * j + 1])]
      gx += fx
      gy += fy
      out[2 * j] -= fx
      out[2 * j + 1] -= fy
    }
    out[2 * i] += gx
    out[2 * i + 1] += gy
  }
}

/**
 * Exact t-SNE (van der Maaten & Hinton 2008): points of many dimensions on a plane, so that near ones stay near.
 * Early exaggeration 12 for 250 steps, momentum 0.5 then 0.8, gains as in the authors' code, rate
 * max(n / 48, 50) (Belkina et al. 2019). O(n²) a step: for a few thousand points. Deterministic for a seed, which
 * only tells apart points that start at one place. Distances between clusters and their sizes mean little.
 * @throws MapError for fewer than 4 points, numbers that are not finite, or when stopped.
 */
export const tsne = async (options: TsneOptions): Promise<TsneMap> => {
  const { points, count, start, iterations = 1000, seed = 0 } = options
  if (count < 4) throw new MapError(`a map of ${count} points: 4 at least`)
  for (let i = 0; i < points.length; i++)
    if (!Number.isFinite(points[i]))
      throw new MapError(`point ${Math.floor((i * count) / points.length)} has a coordinate ${points[i]}`)
  const perplexity = Math.min(options.perplexity ?? 30, (count - 1) / 3)
  const joint = jointProbabilities(points, count, perplexity)
  const map = startOf(start, count, seed)
  const velocity = new Float64Array(map.length)
  const gains = new Float64Array(map.length).fill(1)
  const gradient = new Float64Array(map.length)
  const near = new Float64Array(joint.length)
  const rate = Math.max(count / EXAGGERATION / 4, 50)
  for (let step = 1; step <= iterations; step++) {
    if (options.signal?.aborted === true) throw new MapError(`stopped at step ${step} of ${iterations}`)
    const early = step <= Math.min(EXAGGERATED_STEPS, iterations / 4)
    gradientOf(joint, map, early ? EXAGGERATION : 1, near, gradient)
    for (let i = 0; i < map.length; i++) {
      gains[i] = Math.max(0.01, gradient[i] * velocity[i] < 0 ? gains[i] + 0.2 : gains[i] * 0.8)
      velocity[i] = MOMENTUM[early ? 0 : 1] * velocity[i] - rate * gains[i] * gradient[i]
      map[i] += velocity[i]
    }
    if (step % 50 === 0 || step === iterations) {
      await options.onProgress?.(step)
      await setImmediate()
    }
  }
  centre(map)
  return { points: map, divergence: divergenceOf(joint, map), perplexity }
}

const centre = (map: Float64Array): void => {
  for (const axis of [0, 1]) {
    let mean = 0
    for (let i = axis; i < map.length; i += 2) mean += (2 * map[i]) / map.length
    for (let i = axis; i < map.length; i += 2) map[i] -= mean
  }
}

/** The start at its small scale; points at one place are moved apart by a hundredth of that. */
const startOf = (start: ArrayLike<number>, count: number, seed: number): Float64Array => {
  const map = Float64Array.from({ length: 2 * count }, (_, i) => start[i])
  centre(map)
  let squares = 0
  for (let i = 0; i < map.length; i += 2) squares += map[i] ** 2 / count
  const scale = squares > 0 ? START_DEVIATION / Math.sqrt(squares) : 0
  const random = randomOf("tsne", seed)
  return map.map((v) => v * scale + 0.01 * START_DEVIATION * random.normal())
}
