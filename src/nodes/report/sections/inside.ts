import { mapChart, sheetOf } from "../charts/map.ts"
import { type ReportData, titleOf } from "../data.ts"
import { percent, plural, shorten } from "../format.ts"
import type { ShownMap } from "../inside-data.ts"
import { html, type Markup } from "../markup.ts"
import { colourOf } from "../palette.ts"
import { setTitle } from "../published.ts"
import { picture } from "./picture.ts"
import type { Section } from "./section.ts"

const SHEET = "map-pictures"

const map = (data: ReportData, { model, points }: ShownMap): Markup => {
  const test = points.filter(({ split }) => split === "test")
  const wrong = test.filter(({ label, predicted }) => predicted !== label).length
  const title = titleOf(data.models, model)
  return html`<figure class="model">
    <h3>${title}</h3>
    ${mapChart(points, {
      description: `Map of ${plural(test.length, "test face")} by what ${title} makes of them, ${wrong} of them judged wrongly; faces that it finds alike lie near each other.`,
      classes: data.classes,
      colour: (label) => colourOf(label, data.classes),
      sheet: data.maps.sheet,
      sheetId: SHEET,
    })}
    <figcaption>
      ${plural(test.length, "test face")}, ${wrong} judged wrongly;
      ${plural(points.length - test.length, "training face")} small and pale.
    </figcaption>
  </figure>`
}

/** The embeddings as a map. */
export const mapSection = (data: ReportData): Section | undefined =>
  data.maps.maps.length === 0
    ? undefined
    : {
        id: "map",
        title: "How the networks see the faces",
        short: "Map",
        body: html`<p>
            Each dot is a face, where the network puts it just before it decides: faces it finds alike are
            neighbours. The colour is that of the label; a ring has the colour of the wrong answer given.
            Distances between groups, and their sizes, mean little. Point at a dot to see its face.
          </p>
          <ul class="legend">
            ${data.classes.map(
              (label) =>
                html`<li style="--part:${colourOf(label, data.classes)}">
                  <span class="chip"></span>${label}
                </li>`,
            )}
          </ul>
          ${data.maps.sheet !== undefined && sheetOf(data.maps.sheet, SHEET)}
          <div class="models beside">${data.maps.maps.map((one) => map(data, one))}</div>`,
      }

/** Mistakes beside the training pictures that the network finds most alike to them. */
export const neighboursSection = (data: ReportData): Section | undefined => {
  const found = [...new Set(data.neighbours.map((n) => n.model))]
  const nodes = [
    ...data.models.map(({ node }) => node).filter((node) => found.includes(node)),
    ...found.filter((node) => !data.models.some((m) => m.node === node)),
  ]
  return nodes.length === 0
    ? undefined
    : {
        id: "neighbours",
        title: "Mistakes and what they resemble",
        short: "Neighbours",
        body: html`<p>
            The most confident mistakes, each beside the training faces that the network finds most alike to
            it (cosine similarity of embeddings). They show what it went by, and at times a label that is at
            fault.
          </p>
          <div class="models beside">
            ${nodes.map(
              (node) =>
                html`<section class="model">
                  <h3>${titleOf(data.models, node)}</h3>
                  <ul class="near">
                    ${data.neighbours
                      .filter((n) => n.model === node)
                      .map(
                        (n) =>
                          html`<li>
                            <div>
                              ${picture(n.thumb, `A face labelled ${n.label}, taken for ${n.predicted}`)}
                              <p>
                                <span class="was" style="--part:${colourOf(n.label, data.classes)}"
                                  >${n.label}</span
                                >
                                <span class="took" style="--part:${colourOf(n.predicted, data.classes)}"
                                  ><span aria-label="taken for">→</span> ${n.predicted}</span
                                ><small>${percent(n.probability, 0)} · ${setTitle(n.set)}</small>
                              </p>
                            </div>
                            <ol class="faces small">
                              ${n.near.map(
                                (one) =>
                                  html`<li
                                    style="--part:${colourOf(one.label, data.classes)}"
                                    title="${shorten(one.id, 80)}"
                                  >
                                    ${picture(one.thumb, `A training face labelled ${one.label}`)}<span
                                      >${one.label}<br />${one.similarity.toFixed(2)}</span
                                    >
                                  </li>`,
                              )}
                            </ol>
                          </li>`,
                      )}
                  </ul>
                </section>`,
            )}
          </div>`,
      }
}
