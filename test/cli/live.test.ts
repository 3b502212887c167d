import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { redraw } from "../../src/cli/present/live.ts"
import { Progress } from "../../src/cli/present/progress.ts"
import { terminalReporter } from "../../src/cli/present/terminal.ts"
import { visibleWidth } from "../../src/cli/present/width.ts"
import type { RunEvent } from "../../src/schema/event.ts"
import { Screen } from "./screen.ts"

const bare = (_: unknown, text: string): string => text
const size = { columns: 80, rows: 24 }

const started = (node: string, total?: number, cached = 0): RunEvent => ({
  type: "node-started",
  node,
  reason: "never ran",
  why: [],
  ...(total === undefined ? {} : { items: { total, cached } }),
})
const nodes = (count: number): RunEvent => ({
  type: "run-started",
  run: "r",
  pipeline: "p",
  nodes: Array.from({ length: count }, (_, i) => ({ id: `n${i}`, uses: "x" })),
})

describe("the lines at the bottom", () => {
  it("say how far, how fast and how long, without the items that were there", () => {
    const progress = new Progress(bare)
    progress.event(nodes(3), 0)
    progress.event(started("crawl", 110, 50), 0)
    progress.event(started("train"), 5000)
    for (let at = 1; at <= 10; at++)
      progress.event({ type: "node-progress", node: "crawl", done: 50 + at * 2, total: 110 }, at * 1000)
    progress.event({ type: "node-log", node: "train", line: "epoch 2" }, 10_000)
    expect(progress.lines(size, 10_000)).toEqual([
      "⠋ 0/3 nodes · 10.0 s",
      "  crawl  ━━━━━━━━━━━━━╌╌╌╌╌╌╌  70/110  2.0/s, 20.0 s left",
      "  train  5.0 s  epoch 2",
    ])
    // Where the rate changes, it is that of the last seconds.
    for (let at = 11; at <= 40; at++)
      progress.event({ type: "node-progress", node: "crawl", done: 70 + (at - 10), total: 110 }, at * 1000)
    expect(progress.lines(size, 40_000)[1]).toContain("100/110  1.0/s, 10.0 s left")
  })

  it("fold finished nodes away, with the last words of one that failed", () => {
    const progress = new Progress(bare)
    progress.event(nodes(4), 0)
    progress.event({ type: "node-cached", node: "n3", outputs: {} }, 0)
    for (const node of ["n0", "n1", "n2"]) progress.event(started(node), 0)
    for (let i = 0; i < 12; i++) progress.event({ type: "node-log", node: "n1", line: `line ${i}` }, 1)
    progress.event({ type: "node-finished", node: "n0", ms: 1234, outputs: {} }, 2)
    progress.event({ type: "node-retry", node: "n2", attempt: 1, error: "refused" }, 2)
    progress.event({ type: "node-failed", node: "n1", ms: 10, error: "it said line 11\nand died" }, 3)
    progress.event({ type: "node-skipped", node: "n9", because: "n1 did not finish" }, 3)
    progress.event({ type: "warning", node: "n2", message: "too few" }, 3)
    expect(progress.takeAbove()).toEqual([
      "✔ n0  1.2 s",
      "↻ n2  tries again (1): refused",
      "✘ n1  it said line 11",
      "  and died",
      ...Array.from({ length: 9 }, (_, i) => `  │ line ${i + 2}`),
      "– n9  n1 did not finish",
      "! n2  too few",
    ])
    expect(progress.takeAbove()).toEqual([])
    expect(progress.lines(size, 4)).toEqual([
      "⠋ 4/4 nodes · 1 cached · 1 failed · 1 skipped · 1 warning · 4 ms",
      "  n2  4 ms  never ran",
    ])
  })

  it("are a window on thousands of nodes, and never wider or higher than the screen has room", () => {
    const progress = new Progress(bare)
    progress.event(nodes(10_000), 0)
    for (let i = 0; i < 5000; i++) {
      progress.event(started(`node-with-a-name-${i}`, 1000), 0)
      progress.event({ type: "node-log", node: `node-with-a-name-${i}`, line: "日本語".repeat(30) }, 0)
    }
    for (const columns of [20, 40, 80, 200])
      for (const rows of [4, 10, 24, 60]) {
        const lines = progress.lines({ columns, rows }, 1000)
        expect(lines.length).toBeLessThanOrEqual(Math.max(3, rows / 2))
        for (const line of lines) expect(visibleWidth(line)).toBeLessThan(Math.max(21, columns))
        expect(lines.at(-1)).toMatch(/^ {2}and 4,9\d\d more/)
      }
    // Of so many, those that were quick are only counted.
    progress.event({ type: "node-finished", node: "node-with-a-name-0", ms: 5, outputs: {} }, 1000)
    progress.event({ type: "node-finished", node: "node-with-a-name-1", ms: 5000, outputs: {} }, 1000)
    expect(progress.takeAbove()).toEqual(["✔ node-with-a-name-1  5.0 s"])
    expect(progress.lines(size, 1000)[0]).toContain("2/10,000 nodes")
  })
})

describe("the screen", () => {
  const line = fc.stringMatching(/^[a-z ]{0,30}$/).map((text) => text.trimEnd())
  const steps = fc.array(
    fc.record({ above: fc.array(line, { maxLength: 3 }), lines: fc.array(line, { maxLength: 5 }) }),
    { maxLength: 12 },
  )

  it("holds what stayed and what is now, and nothing of what was", () => {
    fc.assert(
      fc.property(steps, (steps) => {
        const screen = new Screen(40)
        const stays: Array<string> = []
        let before: ReadonlyArray<string> = []
        for (const { above, lines } of steps) {
          screen.write(redraw(before, above, lines, 40))
          stays.push(...above)
          before = lines
          expect(screen.lines).toEqual([...stays, ...lines])
        }
      }),
    )
  })

  it("finds its first line again when it got narrower and the lines were wrapped", () => {
    fc.assert(
      fc.property(steps, fc.integer({ min: 5, max: 40 }), (steps, columns) => {
        const screen = new Screen(40)
        let before: ReadonlyArray<string> = []
        screen.write("above\n")
        for (const { lines } of steps) {
          screen.write(redraw(before, [], lines, 40))
          before = lines
        }
        screen.resize(columns)
        screen.write(redraw(before, ["said"], [], columns))
        expect(screen.lines).toEqual(["above", "said"])
      }),
    )
  })

  it("shows a run to its end, and is left clean with the cursor there", async () => {
    let written = ""
    const stream = Object.assign(new EventTarget(), {
      isTTY: true,
      columns: 60,
      rows: 20,
      write: (text: string) => {
        written += text
        return true
      },
      on: () => stream,
      off: () => stream,
    }) as unknown as NodeJS.WriteStream
    const reporter = terminalReporter(stream, bare)
    reporter.event(nodes(2))
    reporter.event(started("n0", 4, 1))
    await new Promise((resolve) => setTimeout(resolve, 250))
    reporter.event({ type: "node-finished", node: "n0", ms: 10, outputs: {} })
    reporter.close()
    expect(written).toContain("0/2 nodes")
    expect(written.split("\u001b[?25l")).toHaveLength(2)
    expect(written.endsWith("\u001b[?25h")).toBe(true)
    const screen = new Screen(60)
    screen.write(written)
    expect(screen.lines).toEqual(["✔ n0  10 ms"])
  })
})
