import type { Result } from "../../model/types.ts"
import { bar } from "../charts/bar.ts"
import { confusionTable } from "../charts/confusion.ts"
import { type ReportData, titleOf } from "../data.ts"
import { capital, count, percent, plural } from "../format.ts"
import { html, type Markup } from "../markup.ts"
import { colourOf } from "../palette.ts"
import { setTitle } from "../published.ts"
import { scroller, type Section } from "./section.ts"

/** Confusion matrices, one per model and set. */
export const confusionSection = (data: ReportData): Section | undefined =>
  data.results.length === 0
    ? undefined
    : {
        id: "confusion",
        title: "What is taken for what",
        short: "Confusion",
        body: html`<p>
            Rows are the true classes and add up to 100&#160;%; below each share the number of faces. The
            diagonal is right. One colour scale for all.
          </p>
          <div class="matrices">
            ${data.results.map((r) =>
              scroller(
                `Confusion of ${titleOf(data.models, r.model)} on ${setTitle(r.set)}`,
                confusionTable(
                  r.confusion,
                  r.classes,
                  html`<b>${titleOf(data.models, r.model)}</b> on ${setTitle(r.set)}
                    <small>${plural(r.n, "face")}, ${percent(r.accuracy)} right</small>`,
                ),
              ),
            )}
          </div>`,
      }

const cell = (result: Result, label: string, colour: string): Markup => {
  const c = result.perClass[label]
  if (c === undefined || c.support === 0) return html`<td class="soft">not in the set</td>`
  return html`<td>
    <span class="f1">${percent(c.f1)}</span>${bar([{ value: c.f1, colour }], 1, 7)}<span class="small"
      ><abbr title="precision">P</abbr> ${percent(c.precision, 0)} ·
      <abbr title="recall">R</abbr> ${percent(c.recall, 0)} · ${count(c.support)}</span
    >
  </td>`
}

/** F1, precision and recall of every class. */
export const perClassSection = (data: ReportData): Section | undefined => {
  if (data.results.length === 0) return undefined
  const sets = [...new Set(data.results.map((r) => r.set))]
  const of = (set: string): ReadonlyArray<Result> => data.results.filter((r) => r.set === set)
  return {
    id: "classes",
    title: "Class by class",
    short: "Class by class",
    body: html`<p>
        F1, the harmonic mean of precision (P) and recall (R), and the number of faces: a class that is rare
        or easily confused shows here where accuracy hides it.
      </p>
      ${scroller(
        "F1, precision and recall of every class",
        html`<table class="perclass">
          <thead>
            <tr>
              <td></td>
              ${sets.map((set) => html`<th scope="colgroup" colspan="${of(set).length}">${setTitle(set)}</th>`)}
            </tr>
            <tr>
              <th scope="col">Class</th>
              ${sets.map((set) => of(set).map((r) => html`<th scope="col">${titleOf(data.models, r.model)}</th>`))}
            </tr>
          </thead>
          <tbody>
            ${data.classes.map((label) => {
              const colour = colourOf(label, data.classes)
              return html`<tr>
                <th scope="row"><span class="chip" style="--part:${colour}"></span>${capital(label)}</th>
                ${sets.map((set) => of(set).map((r) => cell(r, label, colour)))}
              </tr>`
            })}
            <tr class="mean">
              <th scope="row">Macro-F1</th>
              ${sets.map((set) => of(set).map((r) => html`<td><b>${percent(r.macroF1)}</b></td>`))}
            </tr>
          </tbody>
        </table>`,
      )}`,
  }
}
