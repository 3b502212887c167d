import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import { nearest, unitRows } from "../../../src/learning/embedding/neighbours.ts"

describe("nearest neighbours", () => {
  it("by the angle, not by the length; equal ones by index; nothing is like zero", () => {
    const references = unitRows([100, 0, 1, 1, 0, 0, 2, 2, -3, 0], 2)
    const found = nearest(unitRows([0.5, 0], 2), references, 4)
    expect(found.map(({ index }) => index)).toEqual([0, 1, 3, 2])
    expect(found.map(({ similarity }) => Math.round(similarity * 1e6) / 1e6)).toEqual([
      1, 0.707107, 0.707107, 0,
    ])
    expect(nearest(unitRows([0, 0], 2), references, 1)[0].similarity).toBe(0)
    expect(nearest(unitRows([1, 0], 2), references, 9)).toHaveLength(5)
  })

  it("are those of a full sort", () => {
    const value = fc.integer({ min: -3, max: 3 })
    fc.assert(
      fc.property(
        fc.array(fc.tuple(value, value, value), { minLength: 1, maxLength: 30 }),
        fc.tuple(value, value, value),
        fc.integer({ min: 1, max: 8 }),
        (rows, query, k) => {
          const [references, asked] = [unitRows(rows.flat(), 3), unitRows(query, 3)]
          const all = rows.map((_, index) => {
            let similarity = 0
            for (let t = 0; t < 3; t++) similarity += asked[t] * references[index * 3 + t]
            return { index, similarity: Math.min(1, Math.max(-1, similarity)) }
          })
          const sorted = all.toSorted((a, b) => b.similarity - a.similarity || a.index - b.index).slice(0, k)
          expect(nearest(asked, references, k)).toEqual(sorted)
        },
      ),
    )
  })
})
