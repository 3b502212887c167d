import { readFileSync } from "node:fs"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { counts } from "../counts.ts"
import type { Fault } from "../faults/preload.ts"
import {
  crashRig,
  hasStrace,
  inPairs,
  operationsOf,
  sample,
  systemCalls,
  tracing,
  type Answer,
} from "./rig.ts"
import { inconsistencies, scenarios, type Scenario } from "./scenarios.ts"

const rig = crashRig()
let all: ReadonlyArray<Scenario>
beforeAll(async () => {
  all = await scenarios(rig)
}, counts.patience)
afterAll(() => rig.dispose())

type Failure = Pick<Fault, "what" | "sticky" | "kind">

/** How an operation can fail: once, or from then on (a disk that is full stays full). */
const failuresOf = (operation: string): ReadonlyArray<Failure> => {
  const [name] = operation.split(" ")
  const full: Failure = { what: "ENOSPC", sticky: true }
  const broken: Failure = { what: "EIO" }
  switch (name) {
    case "open":
      return [full, { what: "EMFILE" }]
    case "write":
    case "writeFile":
    case "mkdir":
    case "copyFile":
      return [full, broken]
    case "fsync":
    case "rename":
      return [broken, { what: "ENOSPC" }]
    default:
      return [broken]
  }
}

interface Point {
  readonly scenario: Scenario
  readonly role: string
  readonly at: number
  readonly operation: string
  readonly failure: Failure
}

const pointsOf = async (scenario: Scenario, kind: "change" | "read"): Promise<ReadonlyArray<Point>> => {
  const { cache, state, root, remove } = rig.trial(scenario.store, scenario.repeats)
  await rig.undisturbed(cache, scenario.args, { fault: { root, state, kind } })
  const points = Object.entries(operationsOf(state)).flatMap(([role, operations]) =>
    operations.flatMap((operation, at) => {
      const failures: ReadonlyArray<Failure> =
        kind === "change"
          ? failuresOf(operation)
          : [{ what: operation.startsWith("open") ? "EMFILE" : "EIO", kind }]
      return failures.map((failure) => ({ scenario, role, at, operation, failure }))
    }),
  )
  remove()
  return points
}

/** A command that met a failing disk either did all it had to or says what was wrong, in words for a person. */
const manners = (
  scenario: Scenario,
  { code, stdout, stderr }: Answer,
  cache: string,
): ReadonlyArray<string> => {
  if (/fault in the program itself|^ +at .*:\d+:\d+/mu.test(stderr))
    return [`a fault instead of an error: ${stderr.slice(0, 900)}`]
  if (code === 0) {
    if (scenario.args[0] !== "run") return []
    const given = JSON.stringify(rig.resultsOf(cache, stdout).digests)
    return given === JSON.stringify(scenario.expected.digests)
      ? []
      : [`it ended with 0 and gave ${given.slice(0, 120)}…`]
  }
  if (code !== 1 && code !== 3) return [`it ended with ${code}: ${stderr}`]
  return /ENOSPC|EIO|EMFILE|full|I\/O|unable to open|too many|malformed/u.test(stderr)
    ? []
    : [`it does not say why: ${stderr}`]
}

describe("an operation on the disk that fails", () => {
  it.each(["change", "read"] as const)(
    "(to %s) is told, and costs nothing but the run",
    { timeout: counts.patience },
    async (kind) => {
      const points: Array<Point> = []
      for (const scenario of all) points.push(...(await pointsOf(scenario, kind)))
      const chosen = sample(points, kind === "change" ? counts.failures : counts.failures / 3)
      const wrong: Array<string> = []
      let [trials, failed] = [0, 0]
      await inPairs(chosen, async ({ scenario, role, at, operation, failure }) => {
        const { cache, state, root, remove } = rig.trial(scenario.store, scenario.repeats)
        const answer = await rig.dag(cache, scenario.args, {
          fault: { root, state, role, at, ...failure },
        })
        trials++
        if (answer.code !== 0) failed++
        for (const one of [
          ...manners(scenario, answer, cache),
          ...(await inconsistencies(rig, scenario, cache)),
        ])
          wrong.push(
            `${scenario.name}, ${role} ${failure.what}${failure.sticky === true ? " from then on" : ""} at ${at} (${operation}): ${one}`,
          )
        remove()
      })
      console.log(
        `failing operations (${kind}): ${trials} trials at ${points.length} points, ${failed} made the command fail, ${wrong.length} inconsistencies`,
      )
      expect(wrong).toEqual([])
      expect(failed).toBeGreaterThan(0)
    },
  )
})

/** System calls of SQLite, and how each can fail. */
const CALLS: Readonly<Record<string, ReadonlyArray<string>>> = {
  pwrite64: ["ENOSPC", "EIO"],
  fdatasync: ["EIO"],
  fsync: ["EIO"],
  ftruncate: ["EIO"],
  openat: ["EMFILE"],
  pread64: ["EIO"],
}

describe.skipIf(!hasStrace)("a system call of SQLite that fails (skipped where strace does not work)", () => {
  it("is told, and costs nothing but the run", { timeout: counts.patience }, async () => {
    const points: Array<{ scenario: Scenario; call: string; error: string; at: number }> = []
    for (const scenario of all) {
      const { cache, state, remove } = rig.trial(scenario.store, scenario.repeats)
      const log = join(state, "strace")
      await rig.undisturbed(cache, scenario.args, {
        through: tracing(cache, ["-o", log, "-e", `trace=${Object.keys(CALLS).join(",")}`]),
      })
      for (const [call, most] of systemCalls(readFileSync(log, "utf8")))
        for (const error of CALLS[call] ?? [])
          for (let at = 1; at <= most; at++) points.push({ scenario, call, error, at })
      remove()
    }
    const chosen = sample(points, counts.failures / 2)
    const wrong: Array<string> = []
    let [trials, failed] = [0, 0]
    await inPairs(chosen, async ({ scenario, call, error, at }) => {
      const { cache, remove } = rig.trial(scenario.store, scenario.repeats)
      // A full disk stays full; the others happen once.
      const when = error === "ENOSPC" ? `${at}+` : String(at)
      const answer = await rig.dag(cache, scenario.args, {
        through: tracing(cache, [
          "-o",
          "/dev/null",
          "-e",
          `trace=${call}`,
          "-e",
          `inject=${call}:error=${error}:when=${when}`,
        ]),
      })
      trials++
      if (answer.code !== 0) failed++
      for (const one of [
        ...manners(scenario, answer, cache),
        ...(await inconsistencies(rig, scenario, cache)),
      ])
        wrong.push(`${scenario.name}, ${call} number ${when} ${error}: ${one}`)
      remove()
    })
    console.log(
      `failing calls of SQLite: ${trials} trials at ${points.length} points, ${failed} made the command fail, ${wrong.length} inconsistencies`,
    )
    expect(wrong).toEqual([])
    expect(failed).toBeGreaterThan(0)
  })
})
