import { existsSync, mkdtempSync, mkdirSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as fc from "fast-check"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { leftovers } from "../../../src/runtime/program/leftovers.ts"
import { runProgram } from "../../../src/runtime/program/program.ts"
import { maskerOf } from "../../../src/runtime/run/secrets.ts"

let root = ""
let count = 0
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "facet-program-"))
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

/** Runs a program in a folder of its own: the folder, and the lines it said. */
const run = async (argv: ReadonlyArray<string>, environment: Readonly<Record<string, string>> = {}) => {
  const folder = join(root, `it's "${count++}" $HOME`)
  mkdirSync(folder)
  const said: Array<string> = []
  const { signal } = new AbortController()
  await runProgram({
    argv,
    folder,
    environment,
    log: `${folder}.log`,
    tell: (line) => said.push(line),
    signal,
  })
  expect(existsSync(`${folder}.log`)).toBe(false)
  return { folder, said }
}

/** Any text that an argument or a variable can hold. */
const anyText = fc
  .string({ unit: "binary", maxLength: 200 })
  .map((text) => text.replaceAll("\0", "").toWellFormed())

describe("a program", () => {
  it("gets its arguments and its environment as they are, whatever is in them", async () => {
    await fc.assert(
      fc.asyncProperty(anyText, anyText, async (argument, variable) => {
        const script = 'printf %s "$1" > argument; printf %s "$V" > variable'
        const { folder } = await run(["/bin/sh", "-c", script, "sh", argument], { V: variable })
        expect(readFileSync(join(folder, "argument"), "utf8")).toBe(argument)
        expect(readFileSync(join(folder, "variable"), "utf8")).toBe(variable)
      }),
      { numRuns: 60, seed: 1 },
    )
  })

  it("says lines of any length and bytes that are no text, and all of them are heard once", async () => {
    const { said } = await run([
      "/bin/sh",
      "-c",
      "head -c 25000 /dev/zero | tr '\\0' x; echo; printf 'caf\\303\\251 \\377\\n'; seq 1 30000; printf last",
    ])
    expect(said.slice(0, 3).map((line) => line.length)).toEqual([10_000, 10_000, 5_000])
    expect(said[3]).toBe("café \u{fffd}")
    expect(said.slice(4, -1)).toEqual(Array.from({ length: 30_000 }, (_, i) => String(i + 1)))
    expect(said.at(-1)).toBe("last")
  })

  it("that says too much is cut, with a word of it", async () => {
    const { said } = await run([
      "/bin/sh",
      "-c",
      "yes 0123456789012345678901234567890123456789 | head -500000",
    ])
    expect(said.length).toBeLessThan(450_000)
    expect(said.at(-1)).toMatch(/^… and \d+ lines more, which are not kept$/)
  })

  it("fails where its folder or itself is not there", async () => {
    await expect(run(["/no/such/program"])).rejects.toThrow(/exit code 127/)
  })

  it("of which many run at a time each have their own end", async () => {
    const ends = await Promise.allSettled(
      Array.from({ length: 24 }, (_, code) => run(["/bin/sh", "-c", `sleep 0.0${code % 5}; exit ${code}`])),
    )
    const codes = ends.map((end) =>
      end.status === "fulfilled" ? 0 : Number(/exit code (\d+)/u.exec(String(end.reason))?.[1]),
    )
    expect(codes).toEqual(Array.from({ length: 24 }, (_, code) => code))
  })
})

describe("leftovers", () => {
  it("are what is neither declared nor below or above what is", () => {
    for (const path of ["a/b/c", "a/d", "e", "f/g", ".cache/x", "a/__pycache__/y"]) {
      const file = join(root, path)
      mkdirSync(file, { recursive: true })
    }
    expect(leftovers(root, [])).toEqual(["a/", "e/", "f/"])
    expect(leftovers(root, ["a/b"])).toEqual(["a/d/", "e/", "f/"])
    expect(leftovers(root, ["a", "e", "f/g"])).toEqual([])
  })
})

describe("secrets", () => {
  it("are nowhere in what is masked, also those of several lines and those in each other", () => {
    const secret = fc.string({ minLength: 1, maxLength: 12 }).filter((text) => !/^\s*$|\*/u.test(text))
    fc.assert(
      fc.property(
        fc.array(secret, { minLength: 1, maxLength: 4 }),
        fc.array(fc.string()),
        (values, around) => {
          const mask = maskerOf(Object.fromEntries(values.map((value, index) => [`S${index}`, value])))
          const masked = mask(around.join(values.join("")) + values.join("\n"))
          for (const value of values) expect(masked.includes(value)).toBe(false)
        },
      ),
      { seed: 1 },
    )
    expect(maskerOf({ KEY: "one\ntwo" })("said one, then two")).toBe("said ***, then ***")
  })
})
