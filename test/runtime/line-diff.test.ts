import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { lineDiff } from "../../src/runtime/line-diff.ts"

const lines = fc.array(fc.constantFrom("a", "b", "c", "", "}"), { maxLength: 9 })

/** Longest common subsequence, the slow way. */
const longest = (a: ReadonlyArray<string>, b: ReadonlyArray<string>): number =>
  a.length === 0 || b.length === 0
    ? 0
    : a[0] === b[0]
      ? 1 + longest(a.slice(1), b.slice(1))
      : Math.max(longest(a.slice(1), b), longest(a, b.slice(1)))

describe("lineDiff", () => {
  it("names what goes and what comes, in order", () => {
    expect(lineDiff("a\nb\nc\nd", "a\nx\nc\nd\ne")).toEqual([
      { sign: "-", text: "b" },
      { sign: "+", text: "x" },
      { sign: "+", text: "e" },
    ])
    expect(lineDiff("same\nsame", "same\nsame")).toEqual([])
  })

  it("is a shortest script, whose signs give the lines that each side has for itself", () => {
    fc.assert(
      fc.property(lines, lines, (before, after) => {
        const script = lineDiff(before.join("\n"), after.join("\n"))
        const [a, b] = [before.join("\n").split("\n"), after.join("\n").split("\n")]
        expect(script).toHaveLength(a.length + b.length - 2 * longest(a, b))
        // Taking the marked lines out of both sides leaves the same text.
        const without = (side: ReadonlyArray<string>, sign: "-" | "+"): ReadonlyArray<string> => {
          const out = script.filter((line) => line.sign === sign).map((line) => line.text)
          expect(side.length - out.length).toBeGreaterThanOrEqual(0)
          return [...side].filter((text) => {
            const at = out.indexOf(text)
            if (at < 0) return true
            out.splice(at, 1)
            return false
          })
        }
        const count = (all: ReadonlyArray<string>) => [...all].sort()
        expect(count(without(a, "-"))).toEqual(count(without(b, "+")))
      }),
      { seed: 7, numRuns: 500 },
    )
  })

  it("shows two long texts without a common line whole, within bounds", () => {
    const long = (letter: string): string =>
      Array.from({ length: 2500 }, (_, i) => `${letter}${i}`).join("\n")
    expect(lineDiff(long("a"), long("b"))).toHaveLength(5000)
  })
})
