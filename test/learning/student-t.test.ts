import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { estimate, pairedDifference, quantileT, withinT } from "../../src/learning/student-t.ts"

describe("Student's t", () => {
  // Two-sided 95 % and 99 % points of the printed tables.
  it.each([
    [1, 12.706, 63.657],
    [2, 4.303, 9.925],
    [3, 3.182, 5.841],
    [4, 2.776, 4.604],
    [5, 2.571, 4.032],
    [9, 2.262, 3.25],
    [10, 2.228, 3.169],
    [29, 2.045, 2.756],
    [60, 2.0, 2.66],
    [120, 1.98, 2.617],
  ])("has the quantiles of the tables at %i degrees of freedom", (df, at95, at99) => {
    expect(quantileT(0.95, df)).toBeCloseTo(at95, 3)
    expect(quantileT(0.99, df)).toBeCloseTo(at99, 3)
  })
  it("is Cauchy's distribution at 1 degree of freedom, and nearly normal at many", () => {
    expect(quantileT(0.5, 1)).toBeCloseTo(1, 12)
    expect(quantileT(0.9, 1)).toBeCloseTo(Math.tan(0.45 * Math.PI), 10)
    expect(quantileT(0.95, 10_000)).toBeCloseTo(1.9602, 4)
  })
  it("gives back the share that lies within the quantile", () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0.01, max: 0.995, noNaN: true }),
        fc.integer({ min: 1, max: 60 }),
        (share, df) => {
          expect(withinT(quantileT(share, df), df)).toBeCloseTo(share, 12)
        },
      ),
    )
  })
  it("wants a degree of freedom", () => {
    expect(() => quantileT(0.95, 0)).toThrow(RangeError)
    expect(() => quantileT(0.95, 1.5)).toThrow(/1.5 degrees/)
  })
})

describe("estimates", () => {
  it("are mean ± t · sd / √n: three values by hand", () => {
    const { n, mean, sd, interval } = estimate([0.6, 0.7, 0.8])
    expect(n).toBe(3)
    expect(mean).toBeCloseTo(0.7, 12)
    expect(sd).toBeCloseTo(0.1, 12)
    // 4.302653 · 0.1 / √3
    expect(interval![0]).toBeCloseTo(0.7 - 0.248414, 6)
    expect(interval![1]).toBeCloseTo(0.7 + 0.248414, 6)
  })
  it("of two values by hand, of equal ones without width", () => {
    // sd = 0.1 / √2 · … = 0.0707107; 12.706205 · 0.0707107 / √2 = 0.635310
    expect(estimate([0.4, 0.5]).interval![1]).toBeCloseTo(0.45 + 0.63531, 5)
    expect(estimate([0.5, 0.5]).interval).toEqual([0.5, 0.5])
  })
  it("of one value have no interval and no deviation", () => {
    expect(estimate([0.4])).toEqual({ n: 1, mean: 0.4, values: [0.4] })
  })
  it("of nothing are an error", () => {
    expect(() => estimate([])).toThrow(RangeError)
  })
  it("of pairs leave out what both of a pair share", () => {
    // Seeds differ by far more than the settings: differences 0.02, 0.03, 0.04.
    const { mean, interval } = pairedDifference([0.52, 0.73, 0.94], [0.5, 0.7, 0.9])
    expect(mean).toBeCloseTo(0.03, 12)
    expect(interval![0]).toBeCloseTo(0.03 - 0.0248414, 6)
    expect(interval![0]).toBeGreaterThan(0)
    expect(() => pairedDifference([1], [])).toThrow(/no pairs/)
  })
})
