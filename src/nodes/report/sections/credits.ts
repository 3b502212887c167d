import type { Credit, ReportData } from "../data.ts"
import { count, plural } from "../format.ts"
import { html, link, type Markup, safeLink } from "../markup.ts"
import type { Section } from "./section.ts"

const author = (credit: Credit): Markup => {
  const pages = credit.pages.filter((page) => safeLink(page) !== undefined)
  return html`<li>
    ${credit.author}
    <small
      >${
        pages.length === 0
          ? count(credit.count)
          : pages.map((page, i) => html`${i > 0 && " "}${link(page, String(i + 1))}`)
      }</small
    >
  </li>`
}

/** Authors of the pictures shown, by licence. */
export const creditsSection = (data: ReportData): Section | undefined => {
  const { credits } = data
  if (credits.length === 0) return undefined
  const licences = [...new Set(credits.map((c) => c.licence))]
  return {
    id: "credits",
    title: "Credits",
    short: "Credits",
    body: html`<p>
        Authors of the pictures shown on this page, as their sources name them, with the number of pictures or
        links to
        them.${data.generated === true && " The pictures are generated: the names are invented with them."}
      </p>
      ${licences.map((licence) => {
        const own = credits.filter((c) => c.licence === licence)
        const url = own.find((c) => c.licenceUrl !== undefined)?.licenceUrl
        const pictures = own.reduce((sum, c) => sum + c.count, 0)
        return html`<h3>${link(url, licence)} <small>${plural(pictures, "picture")}</small></h3>
          <ul class="authors">
            ${own.map(author)}
          </ul>`
      })}`,
  }
}
