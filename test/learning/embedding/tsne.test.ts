import { describe, expect, it } from "vitest"
import { principalComponents } from "../../../src/learning/embedding/pca.ts"
import { trustworthiness } from "../../../src/learning/embedding/trustworthiness.ts"
import {
  divergenceOf,
  gradientOf,
  jointProbabilities,
  MapError,
  tsne,
} from "../../../src/learning/embedding/tsne.ts"
import { randomOf } from "../../../src/learning/random.ts"

/** Points around `clusters` centres, far apart, in `width` dimensions; point i belongs to cluster i % clusters. */
const blobs = (count: number, clusters: number, width: number, spread = 1): Float64Array => {
  const random = randomOf("blobs", count)
  const centres = Float64Array.from({ length: clusters * width }, () => 6 * random.normal())
  return Float64Array.from(
    { length: count * width },
    (_, i) => centres[(Math.floor(i / width) % clusters) * width + (i % width)] + spread * random.normal(),
  )
}
const mapOf = async (
  points: Float64Array,
  count: number,
  options: { seed?: number; iterations?: number } = {},
) => {
  const { points: start } = principalComponents(points, points.length / count, 2)
  return tsne({ points, count, start, perplexity: 15, iterations: 400, ...options })
}
/** Share of the k nearest on the map that are of a point's own cluster. */
const purity = (map: Float64Array, count: number, clusters: number, k: number): number => {
  let own = 0
  for (let i = 0; i < count; i++) {
    const distance = (j: number): number =>
      Math.hypot(map[2 * i] - map[2 * j], map[2 * i + 1] - map[2 * j + 1])
    const near = Array.from({ length: count }, (_, j) => j)
      .filter((j) => j !== i)
      .sort((a, b) => distance(a) - distance(b))
      .slice(0, k)
    own += near.filter((j) => j % clusters === i % clusters).length
  }
  return own / (count * k)
}

describe("joint probabilities", () => {
  it("sum to one over ordered pairs, and give every point the perplexity asked for", () => {
    const [count, perplexity] = [40, 7]
    const points = blobs(count, 3, 5)
    const joint = jointProbabilities(points, count, perplexity)
    expect(2 * joint.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 7)
    // With all points of a regular ring alike, a row of P is the conditional itself, over n.
    const ring = Float64Array.from({ length: 2 * count }, (_, i) => {
      const angle = (2 * Math.PI * (i >> 1)) / count
      return i % 2 === 0 ? Math.cos(angle) : Math.sin(angle)
    })
    const own = jointProbabilities(ring, count, perplexity).slice(0, count - 1)
    const entropy = own.reduce((sum, p) => sum - p * count * Math.log(p * count), 0)
    expect(Math.exp(entropy)).toBeCloseTo(perplexity, 4)
  })

  it("nearer pairs weigh more; points in one place are no trouble", () => {
    const joint = jointProbabilities([0, 0, 0, 1, 5, 9], 6, 1.5)
    expect(joint.every((p) => Number.isFinite(p) && p > 0)).toBe(true)
    // Pairs (0, 1), (0, 3), (0, 5).
    expect(joint[0]).toBeGreaterThan(joint[2])
    expect(joint[2]).toBeGreaterThan(joint[4])
  })
})

describe("t-SNE", () => {
  it("climbs down its own divergence: the gradient is that of finite differences", () => {
    const count = 12
    const random = randomOf("gradient")
    const joint = jointProbabilities(blobs(count, 3, 4), count, 3)
    const map = Float64Array.from({ length: 2 * count }, () => random.normal())
    const gradient = new Float64Array(map.length)
    gradientOf(joint, map, 1, new Float64Array(joint.length), gradient)
    for (let i = 0; i < map.length; i++) {
      const at = (step: number): number =>
        divergenceOf(
          joint,
          map.map((v, j) => (j === i ? v + step : v)),
        )
      expect(gradient[i]).toBeCloseTo((at(1e-5) - at(-1e-5)) / 2e-5, 7)
    }
  })

  it("keeps neighbours: clusters of ten dimensions stay clusters, better than the best linear plane", async () => {
    const [count, clusters] = [150, 6]
    const points = blobs(count, clusters, 10, 2)
    const { points: map, divergence } = await mapOf(points, count)
    const linear = principalComponents(points, 10, 2).points
    expect(purity(map, count, clusters, 8)).toBeGreaterThan(0.97)
    const [trust, plain] = [map, linear].map((plane) => trustworthiness(points, plane, count, 8))
    expect(trust).toBeGreaterThan(0.95)
    expect(trust).toBeGreaterThan(plain)
    expect(divergence).toBeLessThan(divergenceOf(jointProbabilities(points, count, 15), linear))
    expect(Math.abs(map.reduce((a, b) => a + b, 0))).toBeLessThan(1e-6)
  })

  it("is the same again for the same seed, and lays equal points side by side", async () => {
    const count = 30
    const points = blobs(count, 2, 3)
    points.copyWithin(3, 0, 3)
    const one = await mapOf(points, count, { iterations: 300 })
    expect((await mapOf(points, count, { iterations: 300 })).points).toEqual(one.points)
    expect((await mapOf(points, count, { iterations: 300, seed: 1 })).points).not.toEqual(one.points)
    // Two small clusters swing for hundreds of steps before they come to rest.
    const { points: map } = await mapOf(points, count, { iterations: 1000 })
    const away = (j: number): number => Math.hypot(map[0] - map[2 * j], map[1] - map[2 * j + 1])
    const others = Array.from({ length: count - 2 }, (_, i) => away(i + 2))
    expect(away(1)).toBeLessThanOrEqual(Math.min(...others))
  })

  it("says what it cannot map, and stops when told", async () => {
    await expect(mapOf(blobs(3, 1, 2), 3)).rejects.toThrow(/a map of 3 points: 4 at least/)
    const broken = blobs(8, 2, 3).fill(Number.NaN, 6, 7)
    await expect(tsne({ points: broken, count: 8, start: new Float64Array(16) })).rejects.toThrow(
      /point 2 has a coordinate NaN/,
    )
    const signal = AbortSignal.abort()
    const points = blobs(8, 2, 3)
    await expect(tsne({ points, count: 8, start: points, signal })).rejects.toThrow(MapError)
  })

  it("maps points that are all one without numbers that are none", async () => {
    const { points } = await mapOf(new Float64Array(40).fill(2), 8, { iterations: 50 })
    expect(points.every(Number.isFinite)).toBe(true)
  })
})

describe("trustworthiness", () => {
  it("is 1 for the space itself, and by hand for one stranger", () => {
    const space = [0, 1, 3, 7, 15, 31, 63]
    expect(trustworthiness(space, space, 7, 2)).toBe(1)
    const map = [6.9, 1, 3, 7, 15, 31, 63]
    // k = 1: points 0 and 3 are each other's nearest, though only the third in the space; 1 loses 0 and gets its second.
    const wrong = (2 * (2 + 2 + 1)) / (7 * 1 * (14 - 3 - 1))
    expect(trustworthiness(space, map, 7, 1)).toBeCloseTo(1 - wrong, 12)
    expect(trustworthiness(space, map, 7, 4)).toBeNaN()
  })
})
