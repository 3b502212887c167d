import {
  closeSync,
  cpSync,
  existsSync,
  openSync,
  readdirSync,
  readSync,
  rmSync,
  statSync,
  truncateSync,
  writeSync,
} from "node:fs"
import { join, relative } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { counts } from "../counts.ts"
import { crashRig, inPairs, sample, type Answer, type Generation, type Results } from "./rig.ts"

const rig = crashRig()
const BEFORE: Generation = { count: 24, shade: 1 }
/** Reads everything the store holds of the generation before, and adds to it. */
const AFTER: Generation = { count: 30, shade: 1 }

let store: string
let expected: Results
beforeAll(async () => {
  const whole = rig.trial()
  await rig.run(whole.cache, BEFORE)
  store = join(rig.base, "whole")
  cpSync(whole.cache, store, { recursive: true })
  expected = await rig.run(whole.cache, AFTER)
  whole.remove()
}, counts.patience)
afterAll(() => rig.dispose())

interface Damage {
  readonly file: string
  readonly how: string
  readonly apply: (path: string) => void
}

const flip = (path: string, at: number): void => {
  const fd = openSync(path, "r+")
  const byte = Buffer.alloc(1)
  readSync(fd, byte, 0, 1, at)
  writeSync(fd, Buffer.from([byte[0] ^ (1 << (at % 8))]), 0, 1, at)
  closeSync(fd)
}

const filesBelow = (folder: string): ReadonlyArray<string> =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))

/** Bits turned all over a file, and the ways to lose some of it or all. */
const damagesOf = (path: string, flips: number): ReadonlyArray<Damage> => {
  const file = relative(store, path)
  const size = statSync(path).size
  return [
    ...Array.from({ length: flips }, (_, at): Damage => {
      const place = Math.floor(((at + 0.5) * size) / flips)
      return { file, how: `bit ${place % 8} of byte ${place} turned`, apply: (path) => flip(path, place) }
    }),
    { file, how: "half of it cut off", apply: (path) => truncateSync(path, size >> 1) },
    { file, how: "emptied", apply: (path) => truncateSync(path, 0) },
    { file, how: "taken away", apply: (path) => rmSync(path) },
  ]
}

const isRight = (cache: string, answer: Answer): boolean =>
  answer.code === 0 &&
  JSON.stringify(rig.resultsOf(cache, answer.stdout).digests) === JSON.stringify(expected.digests)

/**
 * Damages a copy of the store; then a run may fail or be right, verify may find it or not need to, and repair makes
 * the store whole or refuses; never is a result wrong.
 */
const judge = async ({ file, how, apply }: Damage): Promise<ReadonlyArray<string>> => {
  const { cache, remove } = rig.trial(store)
  apply(join(cache, file))
  const wrong: Array<string> = []
  const used = rig.trial(cache)
  const run = await rig.dag(used.cache, ["run", "--json", "-j", "1", ...rig.setting(AFTER)])
  if (run.code === 0 && !isRight(used.cache, run))
    wrong.push(`a run gave a wrong result: ${run.stdout.slice(0, 400)}`)
  if (run.code !== 0 && !/damaged|malformed|not a database|is gone|not in the store|verify/u.test(run.stderr))
    wrong.push(`a run ended with ${run.code} and did not say why: ${run.stderr.slice(0, 400)}`)
  used.remove()
  const repair = await rig.dag(cache, ["cache", "verify", "--repair"])
  if (repair.code === 0) {
    const again = await rig.dag(cache, ["run", "--json", "-j", "1", ...rig.setting(AFTER)])
    if (!isRight(cache, again))
      wrong.push(`after a repair a run ended with ${again.code}: ${again.stderr.slice(0, 300)}`)
    wrong.push(...(await rig.faults(cache)))
  } else if (repair.code !== 3) wrong.push(`repair ended with ${repair.code}: ${repair.stderr.slice(0, 300)}`)
  remove()
  return wrong.map((one) => `${file}: ${how}: ${one}`)
}

describe("damage", () => {
  const CLASSES: ReadonlyArray<readonly [name: string, part: RegExp, flips: number]> = [
    ["packs", /^packs\//u, 12],
    ["large objects", /^objects\//u, 6],
    ["the index", /^store\.db$/u, 64],
    ["files laid out", /^out\//u, 2],
  ]
  it.each(CLASSES)(
    "of %s is found before it is used, and repaired or refused",
    { timeout: counts.patience },
    async (name, part, flips) => {
      const files = filesBelow(store).filter((path) => part.test(relative(store, path)))
      expect(files.length).toBeGreaterThan(0)
      const all = files.flatMap((path) => damagesOf(path, flips))
      const wrong: Array<string> = []
      const chosen = sample(all, counts.damages)
      await inPairs(chosen, async (damage) => {
        wrong.push(...(await judge(damage)))
      })
      console.log(`damage of ${name}: ${chosen.length} trials, ${wrong.length} wrong`)
      expect(wrong).toEqual([])
    },
  )

  it("of the index's log is found or undone", { timeout: counts.patience }, async () => {
    const { cache, state, remove } = rig.trial(store)
    // A run that is killed leaves its log behind.
    await rig.dag(cache, ["run", "-j", "1", ...rig.setting(AFTER)], {
      fault: { root: cache, state, role: "engine", at: 12, what: "kill" },
    })
    const log = join(cache, "store.db-wal")
    expect(existsSync(log)).toBe(true)
    const size = statSync(log).size
    const wrong: Array<string> = []
    for (const at of [0.1, 0.5, 0.9]) {
      const used = rig.trial(cache)
      if (at === 0.5) truncateSync(join(used.cache, "store.db-wal"), size >> 1)
      else flip(join(used.cache, "store.db-wal"), Math.floor(size * at))
      const go = () => rig.dag(used.cache, ["run", "--json", "-j", "1", ...rig.setting(AFTER)])
      const run = await go()
      if (run.code === 0 && !isRight(used.cache, run)) wrong.push(`log damaged at ${at}: a wrong result`)
      // What was only in the log may be lost with it; then that is found, and repaired.
      await rig.dag(used.cache, ["cache", "verify", "--repair"])
      wrong.push(...(await rig.faults(used.cache)))
      const again = await go()
      if (!isRight(used.cache, again)) wrong.push(`log damaged at ${at}: ${again.stderr.slice(0, 300)}`)
      used.remove()
    }
    expect(wrong).toEqual([])
    remove()
  })
})
