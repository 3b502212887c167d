import { html, type Markup } from "../markup.ts"

/** One part of the page. */
export interface Section {
  /** Anchor. */
  readonly id: string
  readonly title: string
  /** In the list of contents. */
  readonly short: string
  readonly body: Markup
}

/** A figure that may be wider than the screen: it scrolls by itself, by keyboard too. */
export const scroller = (label: string, body: Markup): Markup =>
  html`<div class="scroll" role="region" aria-label="${label}" tabindex="0">${body}</div>`
