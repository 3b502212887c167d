import { describe, expect, it } from "vitest"
import { generatedOf } from "../../../src/nodes/model/origin.ts"
import { testSets } from "../../../src/nodes/model/sets.ts"
import type { Split } from "../../../src/schema/sample.ts"
import type { LabelledSample } from "./shapes.ts"

const row = (id: string, set: string, split?: Split): LabelledSample => ({
  id,
  set,
  label: "a",
  image: { $blob: "0".repeat(64) as never, bytes: 1 },
  source: { kind: "file", url: id },
  ...(split === undefined ? {} : { split }),
})
const names = (sets: ReturnType<typeof testSets>) => sets.map(({ name, rows }) => [name, rows.length])

describe("testSets", () => {
  it("judges each set of a table apart, in the order of their names", () => {
    const rows = [row("1", "mmi"), row("2", "ckplus"), row("3", "mmi")]
    expect(names(testSets([{ node: "test", rows }], "test"))).toEqual([
      ["ckplus", 1],
      ["mmi", 2],
    ])
  })
  it("takes only the test rows of a set with splits, and says so", () => {
    const rows = [row("1", "crawl", "train"), row("2", "crawl", "test"), row("3", "crawl", "val")]
    expect(names(testSets([{ node: "split", rows }], "test"))).toEqual([["crawl.test", 1]])
    expect(names(testSets([{ node: "split", rows }], "all"))).toEqual([["crawl", 3]])
  })
  it("leaves a set without test rows out, and keeps the name of one that is all test", () => {
    expect(testSets([{ node: "n", rows: [row("1", "crawl", "train")] }], "test")).toEqual([])
    expect(names(testSets([{ node: "n", rows: [row("1", "fer2013", "test")] }], "test"))).toEqual([
      ["fer2013", 1],
    ])
  })
  it("puts the node in front where two tables hold a set of one name", () => {
    const tables = [
      { node: "plain", rows: [row("1", "mmi")] },
      { node: "aligned", rows: [row("1", "mmi"), row("2", "ckplus")] },
    ]
    expect(names(testSets(tables, "test"))).toEqual([
      ["plain: mmi", 1],
      ["ckplus", 1],
      ["aligned: mmi", 1],
    ])
  })
})

describe("generatedOf", () => {
  const drawn = { source: { kind: "crawl" as const, url: "", generated: true } }
  const real = { source: { kind: "crawl" as const, url: "" } }
  it("tells all, a part and none apart", () => {
    expect(generatedOf([drawn, { source: { kind: "generated", url: "" } }])).toBe(true)
    expect(generatedOf([drawn, real])).toBe("partly")
    expect(generatedOf([real])).toBe(false)
    expect(generatedOf([])).toBe(false)
  })
})
