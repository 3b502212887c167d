import type { Shown, Thumb } from "../data.ts"
import { shorten } from "../format.ts"
import { html, type Markup, safeLink } from "../markup.ts"

/** A small picture. */
export const picture = (thumb: Thumb, alt: string): Markup =>
  html`<img src="${thumb.src}" width="${thumb.width}" height="${thumb.height}" alt="${shorten(alt, 160)}" />`

/** A sample's picture, linked to the page it came from where that has a web address. */
export const linkedPicture = (shown: Shown, alt: string): Markup => {
  const href = safeLink(shown.page)
  const image = picture(shown.thumb, alt)
  return href === undefined ? image : html`<a href="${href}" rel="noopener noreferrer nofollow">${image}</a>`
}
