import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { bar } from "../../../src/nodes/report/charts/bar.ts"
import { confusionTable, FLIP } from "../../../src/nodes/report/charts/confusion.ts"
import { curves } from "../../../src/nodes/report/charts/curves.ts"
import { epochTicks, niceScale } from "../../../src/nodes/report/charts/scale.ts"
import { whisker } from "../../../src/nodes/report/charts/whisker.ts"
import { html } from "../../../src/nodes/report/markup.ts"
import { abbreviations, classColours, slotOf } from "../../../src/nodes/report/palette.ts"
import { tidy } from "./tidy.ts"
import { tones } from "../../../src/nodes/report/style.ts"

const numbers = (text: string, attribute: string): ReadonlyArray<number> =>
  [...text.matchAll(new RegExp(` ${attribute}="([-\\d.]+)%?"`, "g"))].map((m) => Number(m[1]))

describe("niceScale", () => {
  it("covers the range with 2 to 8 evenly spaced ticks", () => {
    fc.assert(
      fc.property(fc.double({ min: 1e-6, max: 1e6, noNaN: true }), (high) => {
        const { min, max, ticks } = niceScale(0, high)
        expect(min).toBe(0)
        expect(max).toBeGreaterThanOrEqual(high * 0.999)
        expect(max).toBeLessThan(high * 2.6)
        expect(ticks.length).toBeGreaterThanOrEqual(2)
        expect(ticks.length).toBeLessThanOrEqual(8)
        for (const [i, tick] of ticks.entries()) expect(tick / ticks[1]).toBeCloseTo(i, 9)
      }),
    )
  })
  it("ends a share at 1", () => expect(niceScale(0, 1).ticks).toEqual([0, 0.25, 0.5, 0.75, 1]))
})

describe("epochTicks", () => {
  it("has both ends, rising, not more than asked for", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2000 }), (last) => {
        const ticks = epochTicks(last)
        expect([ticks[0], ticks.at(-1)]).toEqual([1, last])
        expect(ticks.length).toBeLessThanOrEqual(6)
        expect(ticks).toEqual([...new Set(ticks)].toSorted((a, b) => a - b))
      }),
    )
  })
})

describe("bar", () => {
  it("puts parts one after the other, in proportion", () => {
    const { text } = bar(
      [
        { value: 30, colour: "red" },
        { value: 0, colour: "blue" },
        { value: 20, colour: "red", look: "light" },
      ],
      100,
    )
    expect(numbers(text, "x")).toEqual([0, 30])
    expect(numbers(text, "width").slice(1)).toEqual([30, 20])
  })
  it("is empty rather than endless where nothing is to be shown", () => {
    expect(bar([{ value: 1, colour: "red" }], 0).text).toContain('width="0%"')
  })
})

describe("whisker", () => {
  it("sets dot, interval and baseline on one scale", () => {
    const { text } = whisker(0.5, [0.25, 0.75], 1)
    expect(text).toContain('cx="80"')
    expect(text).toMatch(/class="range" x1="42" x2="118"/)
    expect(text).toMatch(/class="base" x1="156"/)
  })
})

describe("curves", () => {
  const draw = (values: ReadonlyArray<number | undefined>) =>
    tidy(curves([{ name: "<loss>", colour: "red", values }], { description: 'a "loss"', format: String }))
  it("is described for those who do not see it, and escapes names", () => {
    expect(draw([1, 2])).toContain('aria-label="a &quot;loss&quot;"')
    expect(draw([1, 2])).toContain("&lt;loss&gt;</text>")
  })
  it("draws a point per epoch, higher values higher up, gaps as gaps", () => {
    const points = /class="line" d="([^"]*)"/.exec(draw([2, undefined, 1, 0]))?.[1] ?? ""
    const commands = [...points.matchAll(/([ML])([\d.]+) ([\d.]+)/g)].map(
      (m) => [m[1], Number(m[3])] as const,
    )
    expect(commands.map(([pen]) => pen)).toEqual(["M", "M", "L"])
    expect(commands[0][1]).toBeLessThan(commands[1][1])
    expect(commands[1][1]).toBeLessThan(commands[2][1])
  })
  it("never writes a coordinate that is no number", () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 1e9, noNaN: true }), { maxLength: 30 }), (values) => {
        expect(draw(values)).not.toMatch(/NaN|Infinity|undefined/)
      }),
    )
  })
  it("cuts values off at the limit instead of flattening the others", () => {
    const cut = tidy(
      curves([{ name: "x", colour: "red", values: [1, 900, 1] }], {
        description: "",
        format: String,
        limit: 2,
      }),
    )
    expect(cut).toContain(">2</text>")
    const heights = [.../class="line" d="([^"]*)"/.exec(cut)![1].matchAll(/[ML][\d.]+ ([\d.]+)/g)]
    expect(heights.map((m) => Number(m[1]))).toEqual([100, 12, 100])
  })
  it("marks a single epoch with a dot", () => expect(draw([0.5])).toContain('class="end"'))
})

describe("confusionTable", () => {
  const text = tidy(
    confusionTable(
      [
        [8, 2],
        [0, 0],
      ],
      ["an<ger", "fear"],
      html`c`,
    ),
  )
  it("says shares of the row and counts", () => {
    expect(text).toMatch(/--v:80%">\s?<b>80<\/b>\s?<small>8<\/small>/)
    expect(text).toContain("--v:20%")
  })
  it("says so where a class has no pictures, instead of a share of nothing", () => {
    expect(text.match(/class="none"/g)).toHaveLength(2)
    expect(text).not.toContain("NaN")
  })
  it("names rows and columns as headers, escaped", () => {
    expect(text.match(/scope="row"/g)).toHaveLength(2)
    expect(text).toContain("an&lt;ger")
    expect(text).not.toContain("an<ger")
  })
})

describe("abbreviations", () => {
  it("takes as few letters as tell classes apart", () => {
    expect(abbreviations(["anger", "disgust"])).toEqual(["An", "Di"])
    expect(abbreviations(["sadness", "sane"])).toEqual(["Sad", "San"])
  })
})

describe("colours", () => {
  const channel = (v: number): number => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
  const rgb = (hex: string): ReadonlyArray<number> =>
    [1, 3, 5].map((i) => Number.parseInt(hex.slice(i, i + 2), 16) / 255)
  const luminance = (c: ReadonlyArray<number>): number =>
    0.2126 * channel(c[0]) + 0.7152 * channel(c[1]) + 0.0722 * channel(c[2])
  // Contrast of WCAG 2.2.
  const contrast = (a: ReadonlyArray<number>, b: ReadonlyArray<number>): number => {
    const [high, low] = [luminance(a), luminance(b)].toSorted((x, y) => y - x)
    return (high + 0.05) / (low + 0.05)
  }
  const mix = (a: string, b: string, share: number): ReadonlyArray<number> =>
    rgb(a).map((v, i) => v * share + rgb(b)[i] * (1 - share))

  it.each(["light", "dark"] as const)("all text can be read in %s mode", (mode) => {
    const m = mode === "light" ? 0 : 1
    const pairs = [
      ["ink", "paper"],
      ["ink", "raised"],
      ["ink-2", "paper"],
      ["ink-2", "raised"],
      ["link", "paper"],
      ["accent", "paper"],
      ["accent-2", "paper"],
      ["note-ink", "note-paper"],
    ] as const
    for (const [text, ground] of pairs)
      expect(
        contrast(rgb(tones[text][m]), rgb(tones[ground][m])),
        `${text} on ${ground}`,
      ).toBeGreaterThanOrEqual(4.5)
  })
  it.each(["light", "dark"] as const)("every cell of a confusion matrix can be read in %s mode", (mode) => {
    const m = mode === "light" ? 0 : 1
    for (let v = 0; v <= 100; v++) {
      const flipped = v >= FLIP[mode]
      const text = (mode === "light") === flipped ? "#ffffff" : "#000000"
      const ground = mix(tones.heat[m], tones.raised[m], v / 100)
      expect(contrast(rgb(text), ground), `${v} %`).toBeGreaterThanOrEqual(4.5)
    }
  })
  it("lines of the classes stand out from the paper", () => {
    for (const m of [0, 1] as const)
      for (const pair of classColours)
        expect(contrast(rgb(pair[m]), rgb(tones.paper[m]))).toBeGreaterThanOrEqual(2.8)
  })
  it("gives the seven expressions seven colours, in whatever order they are", () => {
    const seven = ["anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral"]
    expect(new Set(seven.map((name) => slotOf(name, seven.toReversed()))).size).toBe(7)
    expect(slotOf("angry", [])).toBe(slotOf("anger", []))
  })
})
