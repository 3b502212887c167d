import { coordinate } from "../format.ts"
import { html, type Markup } from "../markup.ts"
import { epochTicks, niceScale } from "./scale.ts"

export interface Curve {
  readonly name: string
  /** A CSS colour. */
  readonly colour: string
  readonly dashed?: boolean
  /** One value per epoch, from the first; gaps are undefined. */
  readonly values: ReadonlyArray<number | undefined>
}
export interface CurvesOptions {
  /** Read out in place of the drawing. */
  readonly description: string
  readonly format: (value: number) => string
  /** Fixed top of the axis (1 for rates); else a round number above the largest value. */
  readonly max?: number
  /** Values above are cut off at the top, so that one leap does not flatten everything else. */
  readonly limit?: number
  /** An epoch to mark: the one whose weights were kept. */
  readonly mark?: number
}

const W = 400
const H = 220
const LEFT = 44
const RIGHT = 78
const TOP = 12
const BOTTOM = 32
const GAP = 14

/** Where labels go so that none lies on another: pushed apart, in order, inside [low, high]. */
const spread = (wanted: ReadonlyArray<number>, low: number, high: number): ReadonlyArray<number> => {
  const order = wanted.map((y, i) => ({ y, i })).toSorted((a, b) => a.y - b.y)
  const placed: Array<number> = Array.from({ length: wanted.length }, () => 0)
  let floor = low
  for (const { y, i } of order) {
    placed[i] = Math.max(y, floor)
    floor = placed[i] + GAP
  }
  let ceiling = high
  for (const { i } of order.toReversed()) {
    placed[i] = Math.min(placed[i], ceiling)
    ceiling = placed[i] - GAP
  }
  return placed
}

const path = (
  values: ReadonlyArray<number | undefined>,
  x: (i: number) => number,
  y: (v: number) => number,
): string => {
  let pen = "M"
  let text = ""
  for (const [i, value] of values.entries()) {
    if (value === undefined || !Number.isFinite(value)) {
      pen = "M"
      continue
    }
    text += `${pen}${coordinate(x(i))} ${coordinate(y(value))}`
    pen = "L"
  }
  return text
}

/** Lines over epochs, named at their ends. */
export const curves = (lines: ReadonlyArray<Curve>, options: CurvesOptions): Markup => {
  const epochs = Math.max(1, ...lines.map((line) => line.values.length))
  const all = lines.flatMap((line) =>
    line.values.filter((v): v is number => v !== undefined && Number.isFinite(v)),
  )
  const { max, ticks } = niceScale(
    0,
    options.max ?? Math.min(options.limit ?? Infinity, Math.max(1e-9, ...all)),
  )
  const x = (i: number): number => LEFT + (epochs === 1 ? 0.5 : i / (epochs - 1)) * (W - LEFT - RIGHT)
  const y = (v: number): number => H - BOTTOM - Math.min(1, v / max) * (H - TOP - BOTTOM)
  const ends = lines.map((line) => line.values.findLast((v) => v !== undefined && Number.isFinite(v)) ?? 0)
  const labels = spread(
    ends.map((v) => y(v)),
    TOP,
    H - BOTTOM,
  )
  return html`<svg class="curves" viewBox="0 0 ${W} ${H}" role="img" aria-label="${options.description}">
    ${ticks.map(
      (tick) =>
        html`<line
            class="grid"
            x1="${LEFT}"
            x2="${W - RIGHT}"
            y1="${coordinate(y(tick))}"
            y2="${coordinate(y(tick))}"
          /><text class="tick" x="${LEFT - 7}" y="${coordinate(y(tick) + 4)}" text-anchor="end"
            >${options.format(tick)}</text
          >`,
    )}
    ${epochTicks(epochs).map(
      (epoch) =>
        html`<text class="tick" x="${coordinate(x(epoch - 1))}" y="${H - BOTTOM + 17}" text-anchor="middle"
          >${epoch}</text
        >`,
    )}
    <text class="tick" x="${W - RIGHT + 14}" y="${H - BOTTOM + 17}">epoch</text>
    ${
      options.mark !== undefined &&
      html`<line
        class="mark"
        x1="${coordinate(x(options.mark - 1))}"
        x2="${coordinate(x(options.mark - 1))}"
        y1="${TOP}"
        y2="${H - BOTTOM}"
      />`
    }
    ${lines.map((line, i) => {
      const single = line.values.filter((v) => v !== undefined).length === 1
      return html`<path
          class="line${line.dashed === true ? " dashed" : ""}"
          d="${path(line.values, x, y)}"
          style="--part:${line.colour}"
        />${
          single &&
          html`<circle
            class="end"
            cx="${coordinate(x(0))}"
            cy="${coordinate(y(ends[i]))}"
            r="3"
            style="--part:${line.colour}"
          />`
        }<text
          class="name"
          x="${W - RIGHT + 8}"
          y="${coordinate(labels[i] + 4)}"
          style="--part:${line.colour}"
          >${line.name}</text
        >`
    })}
  </svg>`
}
