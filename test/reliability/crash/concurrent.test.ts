import { spawn } from "node:child_process"
import { once } from "node:events"
import { existsSync } from "node:fs"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { counts } from "../counts.ts"
import { crashRig, type Answer, type Generation, type Results } from "./rig.ts"

const rig = crashRig()
const PROCESSES = 8
const generations: ReadonlyArray<Generation> = Array.from({ length: PROCESSES }, (_, at) => ({
  count: 12 + 2 * (at % 4),
  shade: 1 + (at >> 2),
}))
const expected = new Map<Generation, Results>()
beforeAll(async () => {
  // What each gives when it is alone.
  for (const generation of generations) {
    const { cache, remove } = rig.trial()
    expected.set(generation, await rig.run(cache, generation))
    remove()
  }
}, counts.patience)
afterAll(() => rig.dispose())

const run = (cache: string, generation: Generation): Promise<Answer> =>
  rig.dag(cache, ["run", "--json", "-j", "1", ...rig.setting(generation)])
const digestsOf = (cache: string, { code, stdout, stderr }: Answer) =>
  code === 0 ? rig.resultsOf(cache, stdout).digests : `${code}: ${stderr}`

describe("eight processes on one store", () => {
  it(
    "that compute the same give the same, and the store is whole",
    { timeout: counts.patience },
    async () => {
      const { cache, remove } = rig.trial()
      const answers = await Promise.all(Array.from({ length: PROCESSES }, () => run(cache, generations[0])))
      for (const answer of answers)
        expect(digestsOf(cache, answer)).toEqual(expected.get(generations[0])!.digests)
      expect(await rig.faults(cache)).toEqual([])
      expect(await rig.planned(cache, generations[0])).toEqual([])
      expect(rig.report(cache)).toEqual(expected.get(generations[0])!.report)
      remove()
    },
  )

  it(
    "that compute different things beside a collector lose nothing",
    { timeout: counts.patience },
    async () => {
      const { cache, remove } = rig.trial()
      let collections = 0
      for (let round = 0; round < counts.rounds; round++) {
        const runs = { under: true }
        const refusals: Array<string> = []
        const collector = (async () => {
          for (; runs.under; collections++) {
            const known = existsSync(join(cache, "store.db"))
            const { code, stderr } = await rig.dag(cache, [
              "cache",
              "gc",
              "--keep-runs",
              "1",
              "--keep-days",
              "0",
            ])
            // There may have been no store yet.
            if (code !== 0 && known) refusals.push(stderr)
          }
        })()
        const answers = await Promise.all(
          generations.map(async (one) => [one, await run(cache, one)] as const),
        )
        runs.under = false
        await collector
        expect(refusals).toEqual([])
        for (const [generation, answer] of answers)
          expect(digestsOf(cache, answer)).toEqual(expected.get(generation)!.digests)
        expect(await rig.faults(cache)).toEqual([])
      }
      console.log(
        `gc beside ${PROCESSES} runs: ${counts.rounds * PROCESSES} runs, ${collections} collections`,
      )
      expect(collections).toBeGreaterThan(counts.rounds)
      remove()
    },
  )
})

describe("a lease of a process that is gone", () => {
  it(
    "holds nobody up, even if another process has its number by now",
    { timeout: counts.patience },
    async () => {
      const { cache, state, remove } = rig.trial()
      await rig.run(cache, generations[0])
      await rig.dag(cache, ["run", "-j", "1", ...rig.setting(generations[4])], {
        fault: { root: cache, state, role: "engine", at: 4, what: "kill" },
      })
      const db = new DatabaseSync(join(cache, "store.db"))
      const lease = db.prepare("SELECT id, owner, pid FROM leases").get() as {
        id: string
        owner: string
        pid: number
      }
      expect(lease.id).toBeDefined()
      // Its number goes to a process that lives: of the token only the number is right then.
      const other = spawn("sleep", ["60"])
      const owner = lease.owner.replace(`.${lease.pid}.`, `.${other.pid}.`)
      expect(owner).not.toBe(lease.owner)
      db.prepare("UPDATE leases SET owner = ?, pid = ?, beat = ? WHERE id = ?").run(
        owner,
        other.pid!,
        Date.now(),
        lease.id,
      )
      db.close()
      const { code, stdout } = await rig.dag(cache, [
        "cache",
        "gc",
        "--json",
        "--keep-runs",
        "1",
        "--keep-days",
        "0",
      ])
      other.kill("SIGKILL")
      await once(other, "exit")
      expect(code).toBe(0)
      expect(JSON.parse(stdout)).toMatchObject({ inUse: { runs: [] } })
      expect(await rig.faults(cache)).toEqual([])
      remove()
    },
  )
})
