import { PassThrough } from "node:stream"
import { describe, expect, it } from "vitest"
import { layered } from "../../src/cli/picture/layout.ts"
import { typeWords } from "../../src/cli/describe-type.ts"
import { plainReporter } from "../../src/cli/present/plain.ts"
import { runSummary } from "../../src/cli/present/summary.ts"
import { progressLine, terminalReporter } from "../../src/cli/present/terminal.ts"
import { columns, duration, fit, size } from "../../src/cli/present/text.ts"
import type { RunEvent } from "../../src/schema/event.ts"
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
  })
})

describe("progress", () => {
  it("shows how far, how fast and how long, without the items that were there", () => {
    const state = { since: 0, cached: 50, done: 70, total: 110, note: "" }
    expect(progressLine("crawl", state, 10_000, bare)).toMatch(
      /^crawl {2}━+╌+ 70\/110 {2}2\.0\/s, 20\.0 s left$/,
    )
    expect(progressLine("train", { ...state, total: 0, note: "epoch 2" }, 10_000, bare)).toBe(
      "train  10.0 s  epoch 2",
    )
    expect(progressLine("crawl", { ...state, done: 50 }, 10_000, bare)).toMatch(/50\/110$/)
  })

  it("draws on a terminal and leaves what finished above", () => {
    const stream = Object.assign(new PassThrough(), {
      isTTY: true,
      columns: 60,
      rows: 20,
    }) as unknown as NodeJS.WriteStream
    let written = ""
    stream.on("data", (part: Buffer) => (written += part.toString()))
    const reporter = terminalReporter(stream, bare)
    const events: ReadonlyArray<RunEvent> = [
      {
        type: "run-started",
        run: "r",
        pipeline: "p",
        nodes: [
          { id: "a", uses: "x" },
          { id: "b", uses: "x" },
        ],
      },
      { type: "node-cached", node: "b", outputs: {} },
      { type: "node-started", node: "a", reason: "never ran", why: [], items: { total: 4, cached: 1 } },
      { type: "node-progress", node: "a", done: 3, total: 4 },
      { type: "node-retry", node: "a", attempt: 1, error: "refused" },
      { type: "node-failed", node: "a", ms: 10, error: "refused again" },
    ]
    for (const event of events) reporter.event(event)
    reporter.close()
    expect(written).toContain("▸ a  never ran\n")
    expect(written).toContain("1/2 nodes")
    expect(written).toContain("3/4")
    expect(written).toContain("↻ a  tries again (1): refused\n")
    expect(written).toContain("✘ a  refused again\n")
  })

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
    event({ type: "node-skipped", node: "b", because: "a failed" })
    expect(lines).toEqual([
      "a runs (990 of 1,000 items): never ran",
      "a 100/1,000",
      "a 200/1,000",
      "a done in 21.0 s",
      "b skipped: a failed",
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
