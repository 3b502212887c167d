import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { counts } from "../counts.ts"
import { crashRig, inPairs, operationsOf, sample } from "./rig.ts"
import { inconsistencies, scenarios, type Scenario } from "./scenarios.ts"

const rig = crashRig()
let all: ReadonlyArray<Scenario>
beforeAll(async () => {
  all = (await scenarios(rig)).filter(({ args }) => args[0] === "run")
}, counts.patience)
afterAll(() => rig.dispose())

describe("Ctrl-C and SIGTERM", () => {
  it(
    "at any moment: what finished is kept, nothing half is visible",
    { timeout: counts.patience },
    async () => {
      const points: Array<{ scenario: Scenario; at: number; what: string }> = []
      for (const scenario of all) {
        const { cache, state, root, remove } = rig.trial(scenario.store, scenario.repeats)
        await rig.undisturbed(cache, scenario.args, { fault: { root, state } })
        const count = operationsOf(state)["engine"]?.length ?? 0
        for (let at = 0; at < count; at++)
          points.push({ scenario, at, what: at % 2 === 0 ? "SIGINT" : "SIGTERM" })
        remove()
      }
      const chosen = sample(points, counts.interrupts)
      const wrong: Array<string> = []
      let interrupted = 0
      await inPairs(chosen, async ({ scenario, at, what }) => {
        const { cache, state, root, remove } = rig.trial(scenario.store, scenario.repeats)
        const { code, stdout, stderr } = await rig.dag(cache, scenario.args, {
          fault: { root, state, role: "engine", at, what },
        })
        const where = `${scenario.name}, ${what} at ${at}`
        if (code === 130) interrupted++
        // Too late to interrupt anything, it ends well; and there is no third way.
        else if (code !== 0) wrong.push(`${where}: ended with ${code}: ${stderr.slice(0, 500)}`)
        if (/fault in the program/u.test(stderr)) wrong.push(`${where}: ${stderr.slice(0, 500)}`)
        // What the run said it had finished is there.
        const finished =
          stdout === ""
            ? []
            : ((JSON.parse(stdout) as { nodes?: ReadonlyArray<{ id: string; status: string }> }).nodes ?? [])
        const lost = new Set(await rig.planned(cache, scenario.next))
        for (const { id, status } of finished)
          if (status === "ran" && lost.has(id)) wrong.push(`${where}: ${id} ran and is not kept`)
        for (const one of await inconsistencies(rig, scenario, cache)) wrong.push(`${where}: ${one}`)
        remove()
      })
      console.log(
        `interrupts: ${chosen.length} trials at ${points.length} points, ${interrupted} ended early, ${wrong.length} inconsistencies`,
      )
      expect(wrong).toEqual([])
      expect(interrupted).toBeGreaterThan(0)
    },
  )
})
