import { describe, expect, it } from "vitest"
import { layered } from "../../src/cli/picture/layout.ts"
import { typeWords } from "../../src/cli/describe-type.ts"
import { plainReporter } from "../../src/cli/present/plain.ts"
import { runSummary } from "../../src/cli/present/summary.ts"
import { Warnings } from "../../src/cli/present/warnings.ts"
import { columns, duration, size } from "../../src/cli/present/text.ts"
import { fit, harmless, visibleWidth } from "../../src/cli/present/width.ts"
import type { RunRecord } from "../../src/schema/trace.ts"

const bare = (_: unknown, text: string): string => text

describe("text", () => {
  it("says times and sizes in the unit that fits", () => {
    expect([0, 999, 1000, 59_949, 59_960, 61_000, 3_599_600, 3_600_000, 7_380_000].map(duration)).toEqual([
      "0 ms",
      "999 ms",
      "1.0 s",
      "59.9 s",
      "1 min 00 s",
      "1 min 01 s",
      "1 h 00 min",
      "1 h 00 min",
      "2 h 03 min",
    ])
    expect([0, 999, 1000, 999_960, 23_000_000].map(size)).toEqual([
      "0 B",
      "999 B",
      "1.0 kB",
      "1.0 MB",
      "23 MB",
    ])
  })

  it("lines columns up, colours aside", () => {
    const red = `${String.fromCharCode(27)}[31mab${String.fromCharCode(27)}[39m`
    expect(
      columns(
        [
          [red, "1"],
          ["abcd", "22"],
        ],
        [1],
      ),
    ).toBe(`${red}     1\nabcd  22`)
    expect(fit("abcdef", 4)).toBe("abc…")
    expect(fit("abcd", 4)).toBe("abcd")
    expect(fit(`${red}cd`, 3)).toBe(`${red.replace("[39m", "[39m")}…\u001b[0m`)
    expect(fit("日本語のログ", 5)).toBe("日本…")
    expect(visibleWidth("日本 ok 👍")).toBe(10)
    expect(harmless("50%\r60%\u001b[2K\u001b[31m!\u001b[0m\ta\u001b]0;title\u0007b")).toBe("50%60%!  ab")
  })
})

describe("progress", () => {
  it("says a line for what happens where there is no terminal, and not too often", () => {
    const lines: Array<string> = []
    let now = 0
    const { event } = plainReporter(
      (line) => lines.push(line),
      bare,
      false,
      () => now,
    )
    event({
      type: "node-started",
      node: "a",
      reason: "never ran",
      why: [],
      items: { total: 1000, cached: 10 },
    })
    for (now = 0; now <= 21_000; now += 1000)
      event({ type: "node-progress", node: "a", done: now / 100, total: 1000 })
    event({ type: "node-log", node: "a", line: "unheard" })
    event({ type: "node-finished", node: "a", ms: 21_000, outputs: {} })
    event({ type: "node-log", node: "c", line: "its last words" })
    event({ type: "node-log", node: "c", line: "exit 1" })
    event({ type: "node-failed", node: "c", ms: 1, error: "it ended with exit 1" })
    event({ type: "node-skipped", node: "b", because: "a failed" })
    event({ type: "warning", node: "b", message: "too few" })
    expect(lines).toEqual([
      "a runs (990 of 1,000 items): never ran",
      "a 100/1,000",
      "a 200/1,000",
      "a done in 21.0 s",
      "c | its last words",
      "c failed: it ended with exit 1",
      "b skipped: a failed",
      "warning: b: too few",
    ])
  })
})

it("ends with a table, the errors, and what to open", () => {
  const record: RunRecord = {
    id: "r",
    pipeline: "p",
    file: "/p.yaml",
    targets: [],
    status: "failed",
    startedAt: 0,
    ms: 61_000,
    nodes: [
      { id: "a", uses: "x", status: "cached", reason: "nothing changed", why: [], ms: 0, outputs: {} },
      {
        id: "b",
        uses: "x",
        status: "failed",
        reason: "never ran",
        why: [],
        ms: 1500,
        outputs: {},
        items: { total: 10, cached: 2, ran: 7, failed: 1 },
        error: "no luck",
      },
      { id: "c", uses: "x", status: "skipped", reason: "b did not finish", why: [], ms: 0, outputs: {} },
    ],
    presented: [{ node: "a", path: `${process.cwd()}/cache/out/a/index.html` }],
  }
  expect(runSummary(record, bare)).toBe(
    [
      "node                       items   time  why",
      "a     cached",
      "b     failed   7 of 10, 1 failed  1.5 s  never ran",
      "c     skipped                            b did not finish",
      "",
      "b failed: no luck",
      "p: failed, 3 nodes (1 cached, 1 failed, 1 skipped) in 1 min 01 s",
      "open cache/out/a/index.html",
    ].join("\n"),
  )
})

it("shows of very many nodes those that matter, and says how many more there are", () => {
  const nodes = Array.from({ length: 1000 }, (_, i): RunRecord["nodes"][number] => ({
    id: `n${i}`,
    uses: "x",
    status: i === 500 ? "failed" : i < 400 ? "cached" : "ran",
    reason: "",
    why: [],
    ms: i,
    outputs: {},
    ...(i === 500 ? { error: "no luck" } : {}),
  }))
  const record: RunRecord = {
    id: "r",
    pipeline: "p",
    file: "p.yaml",
    targets: [],
    status: "failed",
    startedAt: 0,
    ms: 10,
    nodes,
  }
  const lines = runSummary(record, bare, 2).split("\n")
  expect(lines).toHaveLength(1 + 60 + 1 + 1 + 2)
  expect(lines[1]).toMatch(/^n500 +failed/)
  expect(lines[2]).toMatch(/^n941 +ran/)
  expect(lines.slice(61)).toEqual([
    "and 940 more nodes",
    "",
    "n500 failed: no luck",
    "p: failed, 1,000 nodes (599 ran, 400 cached, 1 failed), 2 warnings in 10 ms",
  ])
})

it("tells each warning once, also those that a node only logs", () => {
  const warnings = new Warnings()
  const log = { type: "node-log", node: "a", line: "WARNING: no fear in test" } as const
  const told = { type: "warning", node: "a", message: "no fear in test" } as const
  expect(warnings.pass(log)).toEqual(told)
  expect(warnings.pass(log)).toBeUndefined()
  expect(warnings.pass(told)).toBeUndefined()
  expect(warnings.pass({ ...log, node: "b" })).toEqual({ ...told, node: "b" })
  const plain = { ...log, line: "all is well, no WARNING: here" }
  expect(warnings.pass(plain)).toBe(plain)
  expect(warnings.all).toHaveLength(2)
})

it("lays a graph out in layers without two boxes at one place", () => {
  const edges = [
    { from: "a", to: "b" },
    { from: "a", to: "c" },
    { from: "b", to: "d" },
    { from: "c", to: "d" },
    { from: "a", to: "d" },
  ]
  const placed = layered(["a", "b", "c", "d", "lone"], edges)
  const layerOf = new Map(placed.map(({ id, layer }) => [id, layer]))
  expect(Object.fromEntries(layerOf)).toEqual({ a: 0, b: 1, c: 1, d: 2, lone: 0 })
  expect(new Set(placed.map(({ layer, slot }) => `${layer}:${slot}`)).size).toBe(placed.length)
})

it("says types of parameters in words", () => {
  expect(typeWords({ type: "integer", minimum: 1, maximum: 9 })).toBe("whole number, 1 to 9")
  expect(typeWords({ type: "number", exclusiveMinimum: 0 })).toBe("number, above 0")
  expect(typeWords({ enum: ["a", "b"] })).toBe("a | b")
  expect(typeWords({ type: "array", items: { type: "string" } })).toBe("list of text")
  expect(typeWords({ type: "object", additionalProperties: { type: "boolean" } })).toBe(
    "map to true or false",
  )
  expect(typeWords({ anyOf: [{ type: "string" }, { type: "null" }] })).toBe("text or nothing")
  expect(typeWords({})).toBe("anything")
})
