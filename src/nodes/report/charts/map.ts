import { coordinate, percent } from "../format.ts"
import type { Sheet, ShownPoint } from "../inside-data.ts"
import { html, type Markup } from "../markup.ts"

const SIDE = 520
const MARGIN = 14
/** Side of the picture that hovering shows. */
const PICTURE = 84

export interface MapOptions {
  /** Read out in place of the drawing. */
  readonly description: string
  readonly classes: ReadonlyArray<string>
  /** The CSS colour of a class. */
  readonly colour: (label: string) => string
  readonly sheet: Sheet | undefined
  /** Id of the sheet's picture in the page. */
  readonly sheetId: string
}

interface Placed extends ShownPoint {
  readonly cx: number
  readonly cy: number
}

/** Points into the drawing's square, both axes at one scale. */
const placed = (points: ReadonlyArray<ShownPoint>): ReadonlyArray<Placed> => {
  const range = (values: ReadonlyArray<number>): readonly [middle: number, extent: number] => {
    const [low, high] = values.reduce(([a, b], v) => [Math.min(a, v), Math.max(b, v)], [Infinity, -Infinity])
    return [(low + high) / 2, high - low]
  }
  const [middleX, width] = range(points.map(({ x }) => x))
  const [middleY, height] = range(points.map(({ y }) => y))
  const scale = (SIDE - 2 * MARGIN) / Math.max(width, height, 1e-9)
  return points.map((p) => ({
    ...p,
    cx: SIDE / 2 + (p.x - middleX) * scale,
    cy: SIDE / 2 - (p.y - middleY) * scale,
  }))
}

const median = (values: ReadonlyArray<number>): number =>
  values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) / 2)] ?? 0

const say = ({ label, predicted, probability, set }: ShownPoint): string =>
  `${label}${predicted === label ? "" : `, taken for ${predicted}`} (${percent(probability, 0)}), ${set}`

const dot = ({ cx, cy }: Placed, r: number): Markup =>
  html`<circle cx="${coordinate(cx)}" cy="${coordinate(cy)}" r="${r}" />`

/** A picture of the sheet beside its point, inside of the drawing. */
const pictureOf = ({ cx, cy, picture }: Placed, sheet: Sheet, id: string): Markup | false => {
  if (picture === undefined) return false
  const inside = (v: number): string => coordinate(Math.min(SIDE - PICTURE, Math.max(0, v)))
  const y = cy > PICTURE + 10 ? cy - PICTURE - 8 : cy + 8
  const { side, columns } = sheet
  const box = `${(picture % columns) * side} ${Math.floor(picture / columns) * side} ${side} ${side}`
  return html`<svg
    x="${inside(cx - PICTURE / 2)}"
    y="${inside(y)}"
    width="${PICTURE}"
    height="${PICTURE}"
    viewBox="${box}"
  >
    <use href="#${id}" />
  </svg>`
}

/**
 * Test points by the colour of their class, training points small and pale below, wrong answers ringed in the colour
 * of the class they were given. Hovering a test point shows its picture: those lie in a layer of their own on top, so
 * that no later point covers them.
 */
export const mapChart = (points: ReadonlyArray<ShownPoint>, options: MapOptions): Markup => {
  const { classes, colour, sheet, sheetId } = options
  const all = placed(points)
  const test = all.filter(({ split }) => split === "test")
  const of = (own: ReadonlyArray<Placed>, r: number): ReadonlyArray<Markup> =>
    classes.map((label) => {
      const some = own.filter((p) => p.label === label)
      return some.length === 0
        ? html``
        : html`<g style="--part:${colour(label)}">${some.map((p) => dot(p, r))}</g>`
    })
  const wrong = test.filter((p) => p.predicted !== p.label)
  return html`<svg class="map" viewBox="0 0 ${SIDE} ${SIDE}" role="img" aria-label="${options.description}">
    <g class="learnt">
      ${of(
        all.filter(({ split }) => split === "train"),
        2.2,
      )}
    </g>
    <g class="judged">
      ${of(
        test.filter((p) => p.predicted === p.label),
        3.6,
      )}
    </g>
    <g class="wrong">
      ${wrong.map(
        (p) => html`<g style="--part:${colour(p.label)};--took:${colour(p.predicted)}">${dot(p, 4)}</g>`,
      )}
    </g>
    <g class="names">
      ${classes.map((label) => {
        const own = test.filter((p) => p.label === label)
        return own.length === 0
          ? false
          : html`<text
              x="${coordinate(median(own.map(({ cx }) => cx)))}"
              y="${coordinate(median(own.map(({ cy }) => cy)))}"
              style="--part:${colour(label)}"
              >${label}</text
            >`
      })}
    </g>
    <g class="hits">
      ${test.map(
        (p) =>
          html`<g
            >${dot(p, 6)}<title>${say(p)}</title>${sheet !== undefined && pictureOf(p, sheet, sheetId)}</g
          >`,
      )}
    </g>
  </svg>`
}

/** The sheet once, to be pointed at. */
export const sheetOf = ({ src, side, columns, rows }: Sheet, id: string): Markup =>
  html`<svg class="hidden" width="0" height="0" aria-hidden="true">
    <defs><image id="${id}" href="${src}" width="${side * columns}" height="${side * rows}" /></defs>
  </svg>`
