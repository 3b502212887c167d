import { coordinate } from "../format.ts"
import { html, type Markup } from "../markup.ts"

export interface BarPart {
  readonly value: number
  /** A CSS colour. */
  readonly colour: string
  /** solid, light or outlined: told apart without colour too. */
  readonly look?: "solid" | "light" | "outline"
}

/**
 * A horizontal stacked bar over the whole width it is given, `max` = full width. Decoration beside figures in words,
 * so hidden from readers of the text.
 */
export const bar = (parts: ReadonlyArray<BarPart>, max: number, height = 14): Markup => {
  let x = 0
  const rects = parts
    .filter(({ value }) => value > 0)
    .map(({ value, colour, look = "solid" }) => {
      const width = max > 0 ? (value / max) * 100 : 0
      const left = x
      x += width
      return html`<rect
        class="${look}"
        x="${coordinate(left)}%"
        width="${coordinate(width)}%"
        y="1"
        height="${height - 2}"
        style="--part:${colour}"
      />`
    })
  return html`<svg class="bar" width="100%" height="${height}" aria-hidden="true" focusable="false">
    ${rects}
  </svg>`
}
