import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import {
  BalanceError,
  countClasses,
  effectiveNumberWeights,
  inverseFrequencyWeights,
} from "../../src/learning/balance.ts"
import {
  argmaxRows,
  bootstrapInterval,
  evaluate,
  MetricsError,
  wilsonInterval,
} from "../../src/learning/metrics.ts"

const classes = 4
const pairs = fc.array(fc.tuple(fc.nat(classes - 1), fc.nat(classes - 1)), { minLength: 1, maxLength: 60 })
const split = (list: ReadonlyArray<readonly [number, number]>): [Array<number>, Array<number>] => [
  list.map(([a]) => a),
  list.map(([, b]) => b),
]

describe("evaluation", () => {
  it("a worked example", () => {
    const { accuracy, macroF1, perClass, confusion } = evaluate([0, 0, 0, 1, 1, 2], [0, 0, 1, 1, 0, 2], 4)
    expect(confusion).toEqual([
      [2, 1, 0, 0],
      [1, 1, 0, 0],
      [0, 0, 1, 0],
      [0, 0, 0, 0],
    ])
    expect(accuracy).toBeCloseTo(4 / 6)
    expect(perClass[0]).toEqual({ precision: 2 / 3, recall: 2 / 3, f1: 2 / 3, support: 3 })
    expect(perClass[3]).toEqual({ precision: 0, recall: 0, f1: 0, support: 0 })
    // The class without samples is left out of the mean.
    expect(macroF1).toBeCloseTo((2 / 3 + 1 / 2 + 1) / 3)
  })

  it("laws: order doesn't matter, all right = 1, support adds up, accuracy = support-weighted recall", () => {
    fc.assert(
      fc.property(pairs, (list) => {
        const [given, predicted] = split(list)
        const result = evaluate(given, predicted, classes)
        expect(evaluate(given.toReversed(), predicted.toReversed(), classes)).toEqual(result)
        expect(result.perClass.reduce((sum, c) => sum + c.support, 0)).toBe(list.length)
        const weighted = result.perClass.reduce((sum, c) => sum + c.recall * c.support, 0) / list.length
        expect(result.accuracy).toBeCloseTo(weighted)
        const perfect = evaluate(given, given, classes)
        expect([perfect.accuracy, perfect.macroF1]).toEqual([1, 1])
        for (const { precision, recall, f1 } of result.perClass)
          expect(f1).toBeCloseTo(
            precision + recall === 0 ? 0 : (2 * precision * recall) / (precision + recall),
          )
      }),
    )
  })

  it("renaming the classes renames the figures and nothing else", () => {
    fc.assert(
      fc.property(pairs, (list) => {
        const [given, predicted] = split(list)
        const rename = (c: number): number => (c + 1) % classes
        const a = evaluate(given, predicted, classes)
        const b = evaluate(given.map(rename), predicted.map(rename), classes)
        expect(b.macroF1).toBeCloseTo(a.macroF1)
        expect(b.perClass[1]).toEqual(a.perClass[0])
      }),
    )
  })

  it("says which sample is wrong", () => {
    expect(() => evaluate([0, 4], [0, 0], 4)).toThrow(/label 4 of sample 1/)
    expect(() => evaluate([0], [0, 1], 4)).toThrow(MetricsError)
    expect(evaluate([], [], 4).macroF1).toBe(0)
  })

  it("argmax takes the first of equals", () => {
    expect([...argmaxRows([1, 3, 3, 0, 0, 0], 3)]).toEqual([1, 0])
  })
})

describe("intervals", () => {
  it("Wilson's holds the share, lies in [0, 1], shrinks with samples, mirrors", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 500 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (n, share) => {
          const hits = Math.round(share * n)
          const { low, high } = wilsonInterval(hits, n)
          expect(low).toBeGreaterThanOrEqual(0)
          expect(high).toBeLessThanOrEqual(1)
          expect(low).toBeLessThanOrEqual(hits / n)
          expect(high).toBeGreaterThanOrEqual(hits / n)
          const more = wilsonInterval(hits * 4, n * 4)
          expect(more.high - more.low).toBeLessThan(high - low)
          expect(wilsonInterval(n - hits, n).low).toBeCloseTo(1 - high)
        },
      ),
    )
    // Published example: 8 of 10 at 95 %.
    expect(wilsonInterval(8, 10).low).toBeCloseTo(0.4902, 3)
    expect(wilsonInterval(8, 10).high).toBeCloseTo(0.9433, 3)
  })

  it("the bootstrap is seeded, holds the figure and agrees roughly with Wilson on accuracy", () => {
    const given = Array.from({ length: 200 }, (_, i) => i % 2)
    const predicted = given.map((g, i) => (i % 5 === 0 ? 1 - g : g))
    const options = { figure: (e: { readonly accuracy: number }) => e.accuracy, rounds: 400, seed: 3 }
    const interval = bootstrapInterval(given, predicted, 2, options)
    expect(bootstrapInterval(given, predicted, 2, options)).toEqual(interval)
    const wilson = wilsonInterval(160, 200)
    expect(Math.abs(interval.low - wilson.low)).toBeLessThan(0.025)
    expect(Math.abs(interval.high - wilson.high)).toBeLessThan(0.025)
  })
})

describe("class weights", () => {
  const counts = fc.array(fc.integer({ min: 1, max: 5000 }), { minLength: 1, maxLength: 9 })

  it("inverse frequency: each class weighs the same in total, the mean over samples is 1", () => {
    fc.assert(
      fc.property(counts, (n) => {
        const weights = inverseFrequencyWeights(n)
        const total = n.reduce((a, b) => a + b, 0)
        for (const [c, w] of weights.entries()) expect(w * n[c]).toBeCloseTo(total / n.length)
      }),
    )
    expect(inverseFrequencyWeights([5, 5])).toEqual([1, 1])
  })

  it("effective number: sums to C, rarer weighs no less, β = 0 is even, β → 1 is inverse frequency", () => {
    fc.assert(
      fc.property(counts, fc.double({ min: 0, max: 0.9999, noNaN: true }), (n, beta) => {
        const weights = effectiveNumberWeights(n, beta)
        expect(weights.reduce((a, b) => a + b, 0)).toBeCloseTo(n.length)
        const byCount = weights.map((w, c) => [n[c], w] as const).toSorted((a, b) => a[0] - b[0])
        for (let i = 1; i < byCount.length; i++)
          expect(byCount[i][1]).toBeLessThanOrEqual(byCount[i - 1][1] * (1 + 1e-12))
      }),
    )
    expect(effectiveNumberWeights([1, 10, 100], 0)).toEqual([1, 1, 1])
    const limit = effectiveNumberWeights([10, 40], 1 - 1e-9)
    expect(limit[0] / limit[1]).toBeCloseTo(4, 4)
  })

  it("refuse empty classes and labels out of range", () => {
    expect(() => inverseFrequencyWeights([3, 0])).toThrow(/class 1 has 0 samples/)
    expect(() => effectiveNumberWeights([3], 1)).toThrow(BalanceError)
    expect(countClasses([0, 2, 2], 3)).toEqual([1, 0, 2])
    expect(() => countClasses([0, 3], 3)).toThrow(/label 3 of sample 1/)
  })
})
