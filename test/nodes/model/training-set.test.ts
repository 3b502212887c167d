import fc from "fast-check"
import { describe, expect, it } from "vitest"
import {
  classesOf,
  classWeightsOf,
  countByKind,
  DatasetError,
  indicesOf,
} from "../../../src/nodes/model/training-set.ts"

const row = (id: string, label: string) => ({ id, label })

describe("classesOf", () => {
  it("sorts the labels that occur when none are asked for", () => {
    expect(classesOf([row("1", "sad"), row("2", "angry"), row("3", "sad")], undefined)).toEqual([
      "angry",
      "sad",
    ])
  })
  it("keeps the order asked for, with classes that have no row", () => {
    expect(classesOf([row("1", "b")], ["c", "b", "a"])).toEqual(["c", "b", "a"])
  })
  it("names the sample whose label is no class", () => {
    expect(() => classesOf([row("1", "b"), row("x7", "contempt")], ["a", "b"])).toThrow(
      /sample x7 is labelled "contempt".*\(a, b\)/s,
    )
  })
  it("refuses a class listed twice", () => {
    expect(() => classesOf([], ["a", "b", "a"])).toThrow(DatasetError)
  })
})

describe("countByKind", () => {
  it("keeps originals, resampled and augmented copies apart", () => {
    const rows = [
      { label: "a" },
      { label: "a", copy: { kind: "resampled" as const, index: 0 } },
      { label: "a", copy: { kind: "augmented" as const, index: 1 } },
      { label: "a", copy: { kind: "augmented" as const, index: 2 } },
    ]
    expect(countByKind(rows, ["a", "b"])).toEqual({
      a: { original: 1, resampled: 1, augmented: 2 },
      b: { original: 0, resampled: 0, augmented: 0 },
    })
  })
})

describe("classWeightsOf", () => {
  const classes = ["a", "b"]
  const rows: ReadonlyArray<{ id: string; label: string; weight?: number }> = [
    row("1", "a"),
    row("2", "a"),
    row("3", "a"),
    row("4", "b"),
  ]
  const labels = indicesOf(rows, classes)
  it("is 1 for none", () => expect(classWeightsOf("none", rows, labels, classes)).toEqual([1, 1]))
  it("is N/(C·n) for inverse", () =>
    expect(classWeightsOf("inverse", rows, labels, classes)).toEqual([4 / 6, 4 / 2]))
  it("takes the mean weight of each class's rows from the data set, 1 where none is given", () => {
    const weighted = [{ weight: 0.5 }, { weight: 1.5 }, {}, { weight: 3 }]
    expect(classWeightsOf("from-dataset", weighted, labels, classes)).toEqual([1, 3])
  })
  it("refuses a class that weighs nothing, by name", () => {
    expect(() => classWeightsOf("from-dataset", [{}, {}, {}, { weight: 0 }], labels, classes)).toThrow(
      /class "b" have no weight/,
    )
  })
  it("effective-number weights sum to the number of classes and favour the rare class", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 50 }), fc.integer({ min: 1, max: 50 }), (n, m) => {
        const ids = [...Array.from({ length: n }, () => 0), ...Array.from({ length: m }, () => 1)]
        const weights = classWeightsOf(
          "effective-number",
          ids.map(() => ({})),
          ids,
          classes,
        )
        expect(weights[0] + weights[1]).toBeCloseTo(2, 9)
        expect(Math.sign(weights[0] - weights[1])).toBe(Math.sign(m - n))
      }),
    )
  })
})
