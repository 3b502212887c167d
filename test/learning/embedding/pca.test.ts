import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import { symmetricEigen } from "../../../src/learning/embedding/eigen.ts"
import { principalComponents } from "../../../src/learning/embedding/pca.ts"
import { randomOf } from "../../../src/learning/random.ts"

const symmetric = (entries: ReadonlyArray<number>, n: number): Float64Array => {
  const out = new Float64Array(n * n)
  for (let i = 0; i < n; i++)
    for (let j = 0; j < n; j++) out[i * n + j] = entries[Math.min(i, j) * n + Math.max(i, j)]
  return out
}

describe("eigenvectors", () => {
  it("of a matrix known by heart", () => {
    const { values, vectors } = symmetricEigen([2, 1, 1, 2], 2)
    expect(values[0]).toBeCloseTo(3, 12)
    expect(values[1]).toBeCloseTo(1, 12)
    const half = Math.SQRT1_2
    for (const [i, v] of [half, half, half, -half].entries()) expect(vectors[i]).toBeCloseTo(v, 12)
  })

  it("are orthonormal and rebuild any matrix, degenerate ones too", () => {
    const entry = fc.oneof(fc.integer({ min: -2, max: 2 }), fc.double({ min: -9, max: 9, noNaN: true }))
    fc.assert(
      fc.property(
        fc
          .integer({ min: 1, max: 9 })
          .chain((n) => fc.tuple(fc.constant(n), fc.array(entry, { minLength: n * n, maxLength: n * n }))),
        ([n, entries]) => {
          const matrix = symmetric(entries, n)
          const { values, vectors } = symmetricEigen(matrix, n)
          for (let i = 0; i + 1 < n; i++) expect(values[i]).toBeGreaterThanOrEqual(values[i + 1])
          for (let i = 0; i < n; i++)
            for (let j = 0; j < n; j++) {
              let [dot, rebuilt] = [0, 0]
              for (let k = 0; k < n; k++) {
                dot += vectors[i * n + k] * vectors[j * n + k]
                rebuilt += values[k] * vectors[k * n + i] * vectors[k * n + j]
              }
              expect(Math.abs(dot - (i === j ? 1 : 0))).toBeLessThan(1e-9)
              expect(Math.abs(rebuilt - matrix[i * n + j])).toBeLessThan(1e-8)
            }
        },
      ),
      { numRuns: 300 },
    )
  })

  it("at any scale, and beside zeros", () => {
    for (const size of [1e-300, 1e-160, 1e300]) {
      const { values } = symmetricEigen(
        [2, 1, 1, 2].map((v) => v * size),
        2,
      )
      expect(values[0] / size).toBeCloseTo(3, 12)
    }
    const { values } = symmetricEigen([0, 5e-324, 0, 5e-324, 0, 1e-9, 0, 1e-9, 0], 3)
    expect(values[0]).toBeCloseTo(1e-9, 20)
    const far = symmetricEigen([0, 1e-162, 1e-162, 1e-162, 0, 1, 1e-162, 1, 0], 3)
    expect([...far.values].map((v) => Math.round(v * 1e9) / 1e9 + 0)).toEqual([1, 0, -1])
    expect([...symmetricEigen(new Float64Array(9), 3).values]).toEqual([0, 0, 0])
  })

  it("refuses numbers that are none", () => {
    expect(() => symmetricEigen([Number.NaN, 1, 1, 2], 2)).toThrow(/not finite/)
  })
})

describe("principal components", () => {
  const random = randomOf("pca")
  /** Points on a plane in `width` dimensions: axis 0 with deviation 5, axis 1 with deviation 1, moved off the origin. */
  const plane = (count: number, width: number): Float64Array =>
    Float64Array.from({ length: count * width }).map((_, i, all) => {
      const column = i % width
      if (column === 0) all[i] = 5 * random.normal()
      if (column === 1) all[i] = random.normal()
      return column < 2 ? 100 + all[i] : 100
    })

  it.each([
    [50, 4],
    [6, 30],
  ])("%i points of %i coordinates: axes by variance, distances kept", (count, width) => {
    const values = plane(count, width)
    const { dimensions, points, shares } = principalComponents(values, width, 3)
    expect(dimensions).toBe(3)
    expect(shares[0] + shares[1]).toBeCloseTo(1, 9)
    expect(shares[0]).toBeGreaterThan(shares[1])
    const distance = (of: ArrayLike<number>, w: number, a: number, b: number): number =>
      Math.sqrt(
        Array.from({ length: w }, (_, t) => (of[a * w + t] - of[b * w + t]) ** 2).reduce((x, y) => x + y),
      )
    for (let b = 1; b < count; b++)
      expect(distance(points, 3, 0, b)).toBeCloseTo(distance(values, width, 0, b), 6)
  })

  it("the two ways agree, up to sign", () => {
    const width = 7
    const few = Float64Array.from({ length: 7 * width }, () => random.normal())
    const byCovariance = principalComponents(few, width, 4)
    // One more coordinate, the same everywhere, makes the Gram matrix the smaller one.
    const wider = Float64Array.from({ length: 7 * 8 }, (_, i) =>
      i % 8 === 7 ? 3 : few[Math.floor(i / 8) * 7 + (i % 8)],
    )
    const byGram = principalComponents(wider, 8, 4)
    for (let k = 0; k < 4; k++) {
      const sign = Math.sign(byCovariance.points[k] * byGram.points[k])
      for (let i = 0; i < 7; i++)
        expect(byGram.points[i * 4 + k]).toBeCloseTo(sign * byCovariance.points[i * 4 + k], 8)
    }
  })

  it("points that are one have no axes", () => {
    const { points, shares } = principalComponents(new Float64Array(12).fill(3), 3, 2)
    expect([...points, ...shares].every((v) => v === 0)).toBe(true)
  })
})
