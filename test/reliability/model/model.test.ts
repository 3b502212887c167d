import * as fc from "fast-check"
import { afterAll, describe, expect, it } from "vitest"
import { counts } from "../counts.ts"
import { figures, play, type Program, type Step } from "./check.ts"
import { engine } from "./engine.ts"
import { EDITS, type Edit } from "./scene.ts"

const choices = (most: number, least = 0) => fc.array(fc.nat(997), { minLength: least, maxLength: most })
const edit: fc.Arbitrary<Edit> = fc.record({ what: fc.constantFrom(...EDITS), by: choices(5, 3) })
/** Most runs ask for nothing special. */
const seldom = (most: number) =>
  fc.oneof({ weight: 4, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: choices(most, 1) })
const step = (edits: number): fc.Arbitrary<Step> =>
  fc.record({
    edits: fc.array(edit, { maxLength: edits }),
    targets: seldom(2),
    force: seldom(2),
    refresh: seldom(2),
    keepGoing: fc.boolean(),
    reopen: fc.nat(9).map((at) => at === 9),
  })
const program = (nodes: number, steps: number): fc.Arbitrary<Program> =>
  fc.record({
    nodes: fc.array(choices(6, 2), { minLength: 1, maxLength: nodes, size: "large" }),
    steps: fc.array(step(3), { minLength: 2, maxLength: steps }),
  })

const on = engine()
afterAll(() => {
  on.dispose()
  console.log(`model test: ${JSON.stringify(figures)}`)
})

describe("the engine does what the model says", () => {
  it("on random graphs, edits and failures", { timeout: counts.patience }, async () => {
    await fc.assert(
      fc.asyncProperty(program(9, 5), (one) => play(on, one, 6)),
      { numRuns: counts.graphs, seed: counts.seed },
    )
    expect(figures.graphs).toBeGreaterThanOrEqual(counts.graphs)
  })

  it("on tables of thousands of rows, where single rows change", { timeout: counts.patience }, async () => {
    await fc.assert(
      fc.asyncProperty(program(4, 4), (one) => play(on, one, 1500)),
      { numRuns: counts.largeGraphs, seed: counts.seed },
    )
    expect(figures.itemsCached).toBeGreaterThan(0)
  })
})
