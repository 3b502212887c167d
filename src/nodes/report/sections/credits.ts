import type { ReportData } from "../data.ts"
import { count } from "../format.ts"
import { html, link, safeLink } from "../markup.ts"
import { scroller, type Section } from "./section.ts"

/** Authors and licences of the pictures shown. */
export const creditsSection = (data: ReportData): Section | undefined =>
  data.credits.length === 0
    ? undefined
    : {
        id: "credits",
        title: "Credits",
        short: "Credits",
        body: html`<p>
            Authors of the pictures shown on this page, as their sources name
            them.${data.generated === true && " The pictures are generated: the names are invented with them."}
          </p>
          ${scroller(
            "Authors and licences",
            html`<table class="credits">
              <thead>
                <tr>
                  <th scope="col">Author</th>
                  <th scope="col">Licence</th>
                  <th scope="col" class="n">Pictures shown</th>
                  <th scope="col">Pages</th>
                </tr>
              </thead>
              <tbody>
                ${data.credits.map(
                  (c) =>
                    html`<tr>
                      <th scope="row">${c.author}</th>
                      <td>${link(c.licenceUrl, c.licence)}</td>
                      <td class="n">${count(c.count)}</td>
                      <td>
                        ${c.pages
                          .filter((page) => safeLink(page) !== undefined)
                          .map((page, i) => html`${i > 0 && " "}${link(page, String(i + 1))}`)}
                      </td>
                    </tr>`,
                )}
              </tbody>
            </table>`,
          )}`,
      }
