import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { counts } from "../counts.ts"
import { crashRig, inPairs, operationsOf, sample } from "./rig.ts"
import { inconsistencies, scenarios, type Scenario } from "./scenarios.ts"

const rig = crashRig()
let all: ReadonlyArray<Scenario>
beforeAll(async () => {
  all = await scenarios(rig)
}, counts.patience)
afterAll(() => rig.dispose())

interface Point {
  readonly scenario: Scenario
  readonly role: string
  readonly at: number
  readonly what: "kill" | "torn"
  readonly operation: string
}

/** Every operation of every process of a command, found by letting it pass once. */
const pointsOf = async (scenario: Scenario): Promise<ReadonlyArray<Point>> => {
  const { cache, state, root, remove } = rig.trial(scenario.store, scenario.repeats)
  await rig.undisturbed(cache, scenario.args, { fault: { root, state } })
  const points = Object.entries(operationsOf(state)).flatMap(([role, operations]) =>
    operations.flatMap((operation, at): ReadonlyArray<Point> => {
      const point = { scenario, role, at, operation }
      return operation.startsWith("write")
        ? [
            { ...point, what: "kill" },
            { ...point, what: "torn" },
          ]
        : [{ ...point, what: "kill" }]
    }),
  )
  remove()
  return points
}

describe("a process killed at any moment", () => {
  it(
    "leaves a whole store, and the next run gives what an undisturbed one gives",
    { timeout: counts.patience },
    async () => {
      const points: Array<Point> = []
      for (const scenario of all) points.push(...(await pointsOf(scenario)))
      const roles = new Set(points.map(({ role }) => role))
      expect(roles.size).toBeGreaterThan(counts.scenario === "" ? 1 : 0)
      const chosen = sample(points, counts.kills)
      const wrong: Array<string> = []
      let trials = 0
      await inPairs(chosen, async ({ scenario, role, at, what, operation }) => {
        const { cache, state, root, remove } = rig.trial(scenario.store, scenario.repeats)
        const { code } = await rig.dag(cache, scenario.args, {
          fault: { root, state, role, at, what },
        })
        // A worker's death is a failure that the engine tells of; its own leaves no code at all.
        if (role === "engine" ? code === null || code === 137 : true) trials++
        for (const one of await inconsistencies(rig, scenario, cache))
          wrong.push(`${scenario.name}, ${role} ${what} at ${at} (${operation}): ${one}`)
        remove()
      })
      console.log(`kill matrix: ${trials} trials at ${points.length} points, ${wrong.length} inconsistencies`)
      expect(wrong).toEqual([])
      expect(trials).toBeGreaterThan(chosen.length * 0.9)
    },
  )
})
