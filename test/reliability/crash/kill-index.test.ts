import { readFileSync } from "node:fs"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { counts } from "../counts.ts"
import { crashRig, hasStrace, inPairs, sample } from "./rig.ts"
import { inconsistencies, scenarios, type Scenario } from "./scenarios.ts"

const rig = crashRig()
let all: ReadonlyArray<Scenario>
beforeAll(async () => {
  if (hasStrace) all = await scenarios(rig)
}, counts.patience)
afterAll(() => rig.dispose())

/** What SQLite does to its files. Node's own writes to them there are none. */
const CALLS = ["pwrite64", "fdatasync", "fsync", "ftruncate", "unlink", "openat"]
const FILES = ["store.db", "store.db-wal", "store.db-shm"]

interface Point {
  readonly scenario: Scenario
  readonly call: string
  readonly at: number
}

const strace = (cache: string, options: ReadonlyArray<string>): ReadonlyArray<string> => [
  "strace",
  "-f",
  "-qq",
  ...FILES.flatMap((name) => ["-P", join(cache, name)]),
  ...options,
]

/** How often each system call comes: the most that one process does, since strace counts by process. */
const pointsOf = async (scenario: Scenario): Promise<ReadonlyArray<Point>> => {
  const { cache, state, remove } = rig.trial(scenario.store)
  const log = join(state, "strace")
  await rig.dag(cache, scenario.args, {
    through: strace(cache, ["-o", log, "-e", `trace=${CALLS.join(",")}`]),
  })
  const times = new Map<string, number>()
  for (const line of readFileSync(log, "utf8").split("\n")) {
    const match = /^(\d+) +(\w+)\(/u.exec(line)
    if (match === null) continue
    const key = `${match[1]} ${match[2]}`
    times.set(key, (times.get(key) ?? 0) + 1)
  }
  remove()
  return CALLS.flatMap((call) => {
    const most = Math.max(
      0,
      ...[...times].filter(([key]) => key.endsWith(` ${call}`)).map(([, count]) => count),
    )
    return Array.from({ length: most }, (_, at) => ({ scenario, call, at: at + 1 }))
  })
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
        const { cache, remove } = rig.trial(scenario.store)
        const { code, stderr } = await rig.dag(cache, scenario.args, {
          through: strace(cache, [
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
