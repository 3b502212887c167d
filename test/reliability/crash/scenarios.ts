import { closeSync, cpSync, openSync, readdirSync, readSync, rmSync, statSync, writeSync } from "node:fs"
import { join } from "node:path"
import { createHash } from "node:crypto"
import { counts } from "../counts.ts"
import { bytesOf } from "./project/nodes/bytes.ts"
import type { CrashRig, Generation, Results } from "./rig.ts"

/** A command to disturb, on a store in some state, and what must be true afterwards. */
export interface Scenario {
  readonly name: string
  /** The store it starts from; undefined: none. */
  readonly store: string | undefined
  readonly args: ReadonlyArray<string>
  /** What the next run computes, and what that must give. */
  readonly next: Generation
  readonly expected: Results
  /** Generations whose results are in the store before and must be after. */
  readonly kept: ReadonlyArray<Generation>
  /** Set where the command changes the project as well, and is given again before the next run. */
  readonly repeats?: boolean
  /** What a run right after the disturbance may give besides `expected`, before the command is repeated. */
  readonly before?: Results
  /** Set where the store is damaged before: then verify may find problems, and its repair must take them away. */
  readonly damaged?: boolean
}

const FIRST: Generation = { count: 24, shade: 1 }
const SECOND: Generation = { count: 30, shade: 1 }
const THIRD: Generation = { count: 30, shade: 2 }

/** Turns a bit in the middle of the first pack of a store. */
const damagePack = (store: string): void => {
  const pack = readdirSync(join(store, "packs"), { recursive: true })
    .map((name) => join(store, "packs", String(name)))
    .find((path) => statSync(path).isFile() && statSync(path).size > 0)
  if (pack === undefined) throw new Error("the store has no pack")
  const fd = openSync(pack, "r+")
  const at = statSync(pack).size >> 1
  const byte = Buffer.alloc(1)
  readSync(fd, byte, 0, 1, at)
  writeSync(fd, Buffer.from([byte[0] ^ 1]), 0, 1, at)
  closeSync(fd)
}

/** Prepares the stores that the commands start from, by undisturbed runs. */
export const scenarios = async (rig: CrashRig): Promise<ReadonlyArray<Scenario>> => {
  const at = (name: string): string => join(rig.base, `store-${name}`)
  const copy = (from: string, to: string): string => {
    cpSync(at(from), at(to), { recursive: true })
    return at(to)
  }
  const first = await rig.run(at("first"), FIRST)
  copy("first", "second")
  const second = await rig.run(at("second"), SECOND)
  copy("second", "third")
  const third = await rig.run(at("third"), THIRD)
  // A result that does not depend on what is in the store: the reference is computed from nothing.
  const fresh = await rig.run(at("fresh"), THIRD)
  if (JSON.stringify(fresh) !== JSON.stringify(third))
    throw new Error("a run from nothing gives something else")
  rmSync(at("fresh"), { recursive: true })
  damagePack(copy("first", "damaged"))
  const forget = ["forget", "--digest", createHash("sha256").update(bytesOf(3, 2_003)).digest("hex")]
  const without = rig.trial(at("first"), true)
  await rig.undisturbed(without.cache, forget)
  const forgotten = await rig.run(without.cache, FIRST)
  if (JSON.stringify(forgotten) === JSON.stringify(first)) throw new Error("nothing was forgotten")
  without.remove()
  const runs = counts.jobs.flatMap((jobs): ReadonlyArray<Scenario> => {
    const run = (generation: Generation) => ["run", "--json", "-j", String(jobs), ...rig.setting(generation)]
    const many = jobs === 1 ? "" : `, ${jobs} jobs`
    return [
      {
        name: `first run${many}`,
        store: undefined,
        args: run(FIRST),
        next: FIRST,
        expected: first,
        kept: [],
      },
      {
        name: `more items${many}`,
        store: at("first"),
        args: run(SECOND),
        next: SECOND,
        expected: second,
        kept: [FIRST],
      },
      {
        name: `all again${many}`,
        store: at("first"),
        args: [...run(FIRST), "--force", "rows", "--force", "shaded", "--force", "report"],
        next: FIRST,
        expected: first,
        kept: [FIRST],
      },
    ]
  })
  const all: ReadonlyArray<Scenario> = [
    ...runs,
    {
      name: "gc",
      store: at("third"),
      args: ["cache", "gc", "--keep-runs", "1", "--keep-days", "0"],
      next: THIRD,
      expected: third,
      kept: [THIRD],
    },
    {
      name: "repair",
      store: at("damaged"),
      args: ["cache", "verify", "--repair"],
      next: FIRST,
      expected: first,
      kept: [],
      damaged: true,
    },
    {
      name: "forget",
      store: at("first"),
      args: forget,
      next: FIRST,
      expected: forgotten,
      kept: [],
      repeats: true,
      before: first,
    },
  ]
  return all.filter(({ name }) => name.includes(counts.scenario))
}

/** Checks a store after a command on it was disturbed; gives what is wrong. */
export const inconsistencies = async (
  rig: CrashRig,
  scenario: Scenario,
  cache: string,
): Promise<ReadonlyArray<string>> => {
  const wrong: Array<string> = []
  if (scenario.damaged === true) await rig.dag(cache, ["cache", "verify", "--repair"])
  wrong.push(...(await rig.faults(cache)))
  const next = ["run", "--json", "-j", "2", ...rig.setting(scenario.next)]
  if (scenario.repeats === true) {
    const { code, stdout, stderr } = await rig.dag(cache, next)
    const given = code === 0 ? JSON.stringify(rig.resultsOf(cache, stdout).digests) : ""
    const allowed = [scenario.before, scenario.expected].map((results) => JSON.stringify(results?.digests))
    if (!allowed.includes(given))
      wrong.push(`a run before it was repeated ended with ${code}: ${stderr} ${given.slice(0, 300)}`)
    const again = await rig.dag(cache, scenario.args)
    if (again.code !== 0) wrong.push(`repeated, it ended with ${again.code}: ${again.stderr}`)
  }
  for (const generation of scenario.kept) {
    const lost = await rig.planned(cache, generation)
    if (lost.length > 0) wrong.push(`results that were there are lost: ${lost.join(", ")}`)
  }
  const { code, stdout, stderr } = await rig.dag(cache, next)
  if (code !== 0) return [...wrong, `the next run ended with ${code}: ${stderr}`]
  const results = rig.resultsOf(cache, stdout)
  if (JSON.stringify(results) !== JSON.stringify(scenario.expected))
    wrong.push(`the next run gave ${JSON.stringify(results).slice(0, 300)}`)
  return wrong
}
