import { coordinate } from "../format.ts"
import { html, type Markup } from "../markup.ts"

const WIDTH = 160
const HEIGHT = 18

/**
 * A share with its interval on a scale from 0 to 1: a line from low to high, a dot, and a thin mark at `baseline`.
 * Decoration beside figures in words, so hidden from readers of the text.
 */
export const whisker = (value: number, interval: readonly [number, number], baseline: number): Markup => {
  const x = (share: number): string => coordinate(4 + Math.min(1, Math.max(0, share)) * (WIDTH - 8))
  const mid = HEIGHT / 2
  return html`<svg class="whisker" viewBox="0 0 ${WIDTH} ${HEIGHT}" aria-hidden="true" focusable="false">
    <line class="scale" x1="${x(0)}" x2="${x(1)}" y1="${mid}" y2="${mid}" />
    <line class="base" x1="${x(baseline)}" x2="${x(baseline)}" y1="3" y2="${HEIGHT - 3}" />
    <line class="range" x1="${x(interval[0])}" x2="${x(interval[1])}" y1="${mid}" y2="${mid}" />
    <circle class="dot" cx="${x(value)}" cy="${mid}" r="4" />
  </svg>`
}
