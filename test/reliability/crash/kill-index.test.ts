import { readFileSync } from "node:fs"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { counts } from "../counts.ts"
import { crashRig, hasStrace, inPairs, sample, systemCalls, tracing } from "./rig.ts"
import { inconsistencies, scenarios, type Scenario } from "./scenarios.ts"

const rig = crashRig()
let all: ReadonlyArray<Scenario>
beforeAll(async () => {
  if (hasStrace) all = await scenarios(rig)
}, counts.patience)
afterAll(() => rig.dispose())

/** What SQLite does to its files. Node's own writes to them there are none. */
const CALLS = ["pwrite64", "fdatasync", "fsync", "ftruncate", "unlink", "openat"]

interface Point {
  readonly scenario: Scenario
  readonly call: string
  readonly at: number
}

const pointsOf = async (scenario: Scenario): Promise<ReadonlyArray<Point>> => {
  const { cache, state, remove } = rig.trial(scenario.store, scenario.repeats)
  const log = join(state, "strace")
  await rig.undisturbed(cache, scenario.args, {
    through: tracing(cache, ["-o", log, "-e", `trace=${CALLS.join(",")}`]),
  })
  const calls = systemCalls(readFileSync(log, "utf8"))
  remove()
  return [...calls].flatMap(([call, most]) =>
    Array.from({ length: most }, (_, at) => ({ scenario, call, at: at + 1 })),
  )
}

describe.skipIf(!hasStrace)("a process killed inside of SQLite (skipped where strace does not work)", () => {
  it(
    "leaves a whole index, and the next run gives what an undisturbed one gives",
    { timeout: counts.patience },
    async () => {
      const points: Array<Point> = []
      for (const scenario of all) points.push(...(await pointsOf(scenario)))
      expect(new Set(points.map(({ call }) => call)).has("pwrite64")).toBe(true)
      const chosen = sample(points, counts.indexKills)
      const wrong: Array<string> = []
      let trials = 0
      await inPairs(chosen, async ({ scenario, call, at }) => {
        const { cache, remove } = rig.trial(scenario.store, scenario.repeats)
        const { code, stderr } = await rig.dag(cache, scenario.args, {
          through: tracing(cache, [
            "-o",
            "/dev/null",
            "-e",
            `trace=${call}`,
            "-e",
            `inject=${call}:signal=KILL:when=${at}`,
          ]),
        })
        if (code !== 0 || stderr !== "") trials++
        for (const one of await inconsistencies(rig, scenario, cache))
          wrong.push(`${scenario.name}, ${call} number ${at}: ${one}`)
        remove()
      })
      console.log(
        `kills inside of SQLite: ${trials} trials at ${points.length} points, ${wrong.length} inconsistencies`,
      )
      expect(wrong).toEqual([])
      expect(trials).toBeGreaterThan(chosen.length * 0.8)
    },
  )
})
