import { bar } from "../charts/bar.ts"
import type { ReportData } from "../data.ts"
import { capital, count, percent, plural } from "../format.ts"
import { html, link, type Markup } from "../markup.ts"
import { colourOf } from "../palette.ts"
import type { Section } from "./section.ts"

const share = (part: number, all: number): string => (all === 0 ? "–" : percent(part / all, 0))

const yields = (data: ReportData): Markup | undefined => {
  const all = data.origins?.yields ?? []
  if (all.length === 0) return undefined
  const max = Math.max(...all.map((y) => y.found))
  const labels = [
    ...data.classes,
    ...new Set(all.map((y) => y.label).filter((l) => !data.classes.includes(l))),
  ]
  return html`<h3>Yield of each search</h3>
    <p>
      Pictures found (pale) and faces kept after all checks (full). A word that yields little costs time and
      noise; take it out of the document, or give it a better template.
    </p>
    <div class="yields">
      ${labels.map((label) => {
        const own = all.filter((y) => y.label === label)
        if (own.length === 0) return undefined
        const colour = colourOf(label, data.classes)
        return html`<table>
          <caption style="--part:${colour}">
            ${label === "" ? "No label" : capital(label)}
          </caption>
          <thead class="quiet">
            <tr>
              <th scope="col">search</th>
              <th scope="col"><span class="hidden">bar</span></th>
              <th scope="col" class="n">kept</th>
              <th scope="col" class="n">found</th>
            </tr>
          </thead>
          <tbody>
            ${own.map(
              (y) =>
                html`<tr>
                  <th scope="row">${y.query}</th>
                  <td class="wide">
                    ${bar(
                      [
                        { value: Math.min(y.kept, y.found), colour },
                        { value: Math.max(0, y.found - y.kept), colour, look: "light" },
                      ],
                      max,
                      10,
                    )}
                  </td>
                  <td class="n">${count(y.kept)}</td>
                  <td class="n soft">${count(y.found)}</td>
                </tr>`,
            )}
          </tbody>
        </table>`
      })}
    </div>`
}

/** Where the pictures came from. */
export const originsSection = (data: ReportData): Section | undefined => {
  const { origins } = data
  if (origins === undefined || origins.found === 0) return undefined
  return {
    id: "origins",
    title: "Where the pictures came from",
    short: "Sources",
    body: html`<div class="columns">
        <table>
          <caption>
            Sources
          </caption>
          <thead>
            <tr>
              <th scope="col">Set</th>
              <th scope="col">Through</th>
              <th scope="col" class="n">Pictures</th>
            </tr>
          </thead>
          <tbody>
            ${origins.sources.map(
              (s) =>
                html`<tr>
                  <th scope="row">${s.set}</th>
                  <td>${s.engine}</td>
                  <td class="n">${count(s.count)}</td>
                </tr>`,
            )}
          </tbody>
        </table>
        <table>
          <caption>
            Licences, as the source states them
          </caption>
          <thead>
            <tr>
              <th scope="col">Licence</th>
              <th scope="col" class="n">Pictures</th>
              <th scope="col" class="n">Share</th>
            </tr>
          </thead>
          <tbody>
            ${origins.licences.map(
              (l) =>
                html`<tr>
                  <th scope="row">${link(l.url, l.name)}</th>
                  <td class="n">${count(l.count)}</td>
                  <td class="n soft">${share(l.count, origins.found)}</td>
                </tr>`,
            )}
          </tbody>
        </table>
      </div>
      <p>
        ${plural(origins.found, "picture")} in
        all.${origins.generated === true ? " Every one was drawn by a program; licences and authors are part of that world." : origins.generated === "partly" ? " Some were drawn by a program." : ""}
      </p>
      ${yields(data)}`,
  }
}
