import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { KERNELS } from "../../../src/learning/onnx-backend/register.ts"
import { backend } from "./kit.ts"
import { LAWS } from "./laws/index.ts"
import { inputsOf, sizeOf, violations } from "./laws/law.ts"

const numRuns = process.env["FACET_LONG"] === "1" ? 60 : 2
/** Calls that are made in one graph. */
const TOGETHER = 12

describe("every kernel of the backend", () => {
  it("has a law that says what it does", () => {
    expect(Object.keys(LAWS).toSorted()).toEqual(Object.keys(KERNELS).toSorted())
  })

  it.each(Object.entries(LAWS))("%s", async (name, law) => {
    const several = fc.array(law.calls, { minLength: TOGETHER, maxLength: TOGETHER })
    await fc.assert(
      fc.asyncProperty(several, async (calls) => {
        const before = backend.stats.fallbacks
        expect(await violations(name, law, calls)).toEqual([])
        // only tensors without elements are left to tfjs
        const empty = calls.filter((call) => inputsOf(call).some((o) => sizeOf(o.shape) === 0))
        expect(backend.stats.fallbacks - before).toBeLessThanOrEqual(empty.length)
      }),
      { numRuns, seed: 7, endOnFailure: true },
    )
  })
})
