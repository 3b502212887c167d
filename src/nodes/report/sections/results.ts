import { bar } from "../charts/bar.ts"
import { confusionTable } from "../charts/confusion.ts"
import { type ReportData, titleOf } from "../data.ts"
import { capital, percent, plural } from "../format.ts"
import { html } from "../markup.ts"
import { colourOf } from "../palette.ts"
import { scroller, type Section } from "./section.ts"

/** Confusion matrices, one per model and set. */
export const confusionSection = (data: ReportData): Section | undefined =>
  data.results.length === 0
    ? undefined
    : {
        id: "confusion",
        title: "What is taken for what",
        body: html`<p>
            Rows are the true classes and add up to 100&#160;%; below each share the number of pictures. The
            diagonal is right. One colour scale for all.
          </p>
          <div class="matrices">
            ${data.results.map((r) =>
              scroller(
                `Confusion of ${titleOf(data.models, r.model)} on ${r.set}`,
                confusionTable(
                  r.confusion,
                  r.classes,
                  html`<b>${titleOf(data.models, r.model)}</b> on ${r.set}
                    <small>${plural(r.n, "face")}, ${percent(r.accuracy)} right</small>`,
                ),
              ),
            )}
          </div>`,
      }

/** F1, precision and recall of every class. */
export const perClassSection = (data: ReportData): Section | undefined => {
  if (data.results.length === 0) return undefined
  const sets = [...new Set(data.results.map((r) => r.set))]
  return {
    id: "classes",
    title: "Class by class",
    body: html`<p>
        F1 (harmonic mean of precision and recall), with precision and recall below: a class that is rare or
        easily confused shows here where accuracy hides it.
      </p>
      ${sets.map((set) => {
        const results = data.results.filter((r) => r.set === set)
        return scroller(
          `Figures per class on ${set}`,
          html`<table class="perclass">
            <caption>
              ${set}
            </caption>
            <thead>
              <tr>
                <th scope="col">Class</th>
                <th scope="col">Faces</th>
                ${results.map((r) => html`<th scope="col">${titleOf(data.models, r.model)}</th>`)}
              </tr>
            </thead>
            <tbody>
              ${data.classes.map((label) => {
                const support = results[0]?.perClass[label]?.support ?? 0
                return html`<tr>
                  <th scope="row">
                    <span class="chip" style="--part:${colourOf(label, data.classes)}"></span
                    >${capital(label)}
                  </th>
                  <td class="n">${support}</td>
                  ${results.map((r) => {
                    const c = r.perClass[label]
                    if (c === undefined || support === 0) return html`<td class="soft">not in this set</td>`
                    return html`<td>
                      <span class="f1">${percent(c.f1)}</span
                      >${bar([{ value: c.f1, colour: colourOf(label, data.classes) }], 1, 8)}<span
                        class="small"
                        >precision ${percent(c.precision, 0)} · recall ${percent(c.recall, 0)}</span
                      >
                    </td>`
                  })}
                </tr>`
              })}
            </tbody>
          </table>`,
        )
      })}`,
  }
}
