import { type ReportData, titleOf } from "../data.ts"
import { count, percent, plural, sentence } from "../format.ts"
import { html, type Markup } from "../markup.ts"
import { bareSet, paperPictures, paperRates, paperSize, published, setTitles } from "../published.ts"
import { scroller, type Section } from "./section.ts"

const table = (data: ReportData): Markup => {
  const sets = [
    ...new Set([...published.map((p) => p.set as string), ...data.results.map((r) => bareSet(r.set))]),
  ]
  return scroller(
    "Published results and those of this run",
    html`<table class="published">
      <thead>
        <tr>
          <th scope="col">Method</th>
          <th scope="col" class="n">Accuracy</th>
          <th scope="col">From</th>
        </tr>
      </thead>
      ${sets.map((set) => {
        const own = data.results.filter((r) => bareSet(r.set) === set)
        const others = published.filter((p) => p.set === set)
        return html`<tbody>
          <tr class="group">
            <th scope="colgroup" colspan="3">${setTitles[set] ?? set}</th>
          </tr>
          ${others.map(
            (p) =>
              html`<tr>
                <th scope="row">${p.method}</th>
                <td class="n">${p.about === true && "≈ "}${p.accuracy.map((v) => String(v)).join("–")} %</td>
                <td class="soft">${p.source}</td>
              </tr>`,
          )}${
            others.length === 0 &&
            html`<tr>
              <th scope="row" class="soft">no published figure quoted here</th>
              <td></td>
              <td></td>
            </tr>`
          }
          ${own.map(
            (r) =>
              html`<tr class="own${r.generated === false ? "" : " apart"}">
                <th scope="row">${titleOf(data.models, r.model)}</th>
                <td class="n">${percent(r.accuracy)}</td>
                <td>
                  ${
                    r.generated === false
                      ? `this run, ${plural(r.n, "picture")}`
                      : r.generated === true
                        ? "this run, generated pictures"
                        : "this run, partly generated pictures"
                  }
                </td>
              </tr>`,
          )}
        </tbody>`
      })}
    </table>`,
  )
}

/** What this run did of the paper's method; only what its data show. */
const done = (data: ReportData): ReadonlyArray<string> => {
  const { origins, before, after, duplicates, models, results } = data
  const searches = origins?.yields.length ?? 0
  const copies = after !== undefined && Object.values(after.train).some((c) => c.resampled + c.augmented > 0)
  const weighted = after !== undefined && Object.values(after.weight).some((w) => Math.abs(w - 1) > 1e-9)
  return [
    searches > 0 &&
      `A crawl by near-synonyms of the expressions’ names: ${plural(searches, "search", "searches")}`,
    before !== undefined && before.faces > 0 && "Faces detected and aligned, saved by class",
    duplicates !== undefined && "Duplicates, low-resolution and faceless pictures removed",
    (copies || weighted) &&
      `Classes evened out ${sentence([...(copies ? ["by repeated sampling with augmentation"] : []), ...(weighted ? ["by loss weights per class"] : [])])}`,
    models.length > 0 && `${sentence([...new Set(models.map((m) => m.title))])} trained by SGD`,
    results.length > 0 &&
      `Accuracy and confusion on ${plural(new Set(results.map((r) => r.set)).size, "held-out set")}`,
    data.features.length > 0 && "Features made visible by optimizing a random input",
  ].filter((line) => line !== false)
}

/** What it did not, or did otherwise. */
const missing = (data: ReportData): ReadonlyArray<string> => {
  const { models, before, origins } = data
  const sizes = [...new Set(models.map((m) => m.value.preprocessing.size))]
  const rates = new Set(models.map((m) => Number(m.value.training["lr"])))
  const small = [...new Set(models.filter((m) => !m.published).map((m) => m.title))]
  const pictures = before?.rows ?? origins?.found
  return [
    data.generated === true &&
      "The pictures: all are drawings by a program, of nobody. Nothing here is a result on human faces",
    data.generated === "partly" && "A part of the pictures: drawings by a program, of nobody",
    pictures !== undefined &&
      pictures < paperPictures / 2 &&
      `The size of the set: ${count(pictures)} faces here, ${count(paperPictures)} in the paper`,
    sizes.length > 0 &&
      !sizes.includes(paperSize) &&
      `The input size: ${sizes.map((s) => `${s} × ${s}`).join(", ")} here, ${paperSize} × ${paperSize} in the paper’s`,
    small.length > 0 &&
      `The networks at their published size: ${sentence(small)} ${small.length === 1 ? "is a smaller relative" : "are smaller relatives"} of the paper’s`,
    models.length > 0 &&
      !paperRates.every((rate) => rates.has(rate)) &&
      "The paper’s search over learning rates",
    "The check of labels against a reference model, with disagreements confirmed by hand",
    "Testing on sets that were also learnt from, as the paper did: here what is tested on, near duplicates included, is kept out of training",
  ].filter((line) => line !== false)
}

/** This run beside published results. */
export const publishedSection = (data: ReportData): Section => ({
  id: "published",
  title: "Beside published results",
  short: "Published results",
  body: html`${data.generated !== false && html`<p class="notice small" role="note"><strong>Not comparable.</strong> Figures of this run were reached on ${data.generated === true ? "generated" : "partly generated"} pictures. They stand where those of a real run would.</p>`}
    ${table(data)}
    <div class="columns">
      <div>
        <h3>Reproduced here</h3>
        <ul class="ticks">
          ${done(data).map((line) => html`<li>${line}</li>`)}
        </ul>
      </div>
      <div>
        <h3>Not reproduced, or done otherwise</h3>
        <ul class="crosses">
          ${missing(data).map((line) => html`<li>${line}</li>`)}
        </ul>
      </div>
    </div>`,
})
