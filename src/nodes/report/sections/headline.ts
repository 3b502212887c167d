import { whisker } from "../charts/whisker.ts"
import { type Generated, type ReportData, titleOf } from "../data.ts"
import { capital, count, percent, plural, sentence } from "../format.ts"
import { html, type Markup } from "../markup.ts"
import { colourOf } from "../palette.ts"
import { bareSet, setTitle } from "../published.ts"
import type { Result } from "../../model/types.ts"
import { picture } from "./picture.ts"
import { scroller } from "./section.ts"

/** Share of the most frequent class: what always saying that class would reach. */
export const majority = (result: Result): number => {
  const supports = Object.values(result.perClass).map((c) => c.support)
  return result.n === 0 ? 0 : Math.max(0, ...supports) / result.n
}

/** What must be known before any figure is read. */
export const notice = (generated: Generated): Markup | undefined =>
  generated === false
    ? undefined
    : html`<p class="notice" role="note">
        <strong
          >${
            generated === true
              ? "These sets are generated: drawings, no people."
              : "A part of these sets is generated: drawings, no people."
          }</strong
        >
        The figures show that the pipeline works from end to end. They say nothing about photographs and
        cannot be compared with published results.
      </p>`

/** One sentence or two that say what was done, in numbers of this run only. */
export const lede = (data: ReportData): Markup => {
  const { origins, before, models, results } = data
  const sets = [...new Set(results.map((r) => r.set))]
  const judged = sets.reduce((sum, set) => sum + (results.find((r) => r.set === set)?.n ?? 0), 0)
  const learnt =
    models[0] === undefined
      ? 0
      : Object.values(models[0].value.trainedOn).reduce((sum, c) => sum + c.original, 0)
  const searches = origins?.yields.length ?? 0
  const names = [...new Set(models.map((m) => m.title))]
  const first =
    origins === undefined
      ? ""
      : `${plural(origins.found, "picture")}${searches > 0 ? ` from ${plural(searches, "search", "searches")}` : ""}${before === undefined ? "" : `, ${plural(before.rows, "face")} kept`}. `
  const second =
    names.length === 0
      ? ""
      : `${sentence(names)} learnt ${data.classes.length} expressions from ${plural(learnt, "different face")} and ${names.length === 1 ? "was" : "were"} judged on ${plural(judged, "face")} of ${plural(sets.length, "held-out set")}.`
  return html`<p class="lede">${first}${second}</p>`
}

const cell = (result: Result): Markup =>
  html`<td>
    <span class="big">${percent(result.accuracy)}</span
    >${whisker(result.accuracy, result.interval, majority(result))}<span class="small"
      >${percent(result.interval[0], 0).replace(/\s?%/u, "")}–${percent(result.interval[1], 0)} · macro‑F1
      ${percent(result.macroF1)}</span
    >
  </td>`

/** Pictures of a set as it came, where that is known. */
const pictures = (data: ReportData, set: string): number | undefined =>
  Object.entries(data.tested).find(([name]) => bareSet(name) === bareSet(set))?.[1]

const judged = (data: ReportData, set: string, n: number): string => {
  const all = pictures(data, set)
  return all === undefined || all === n
    ? plural(n, "face")
    : `${plural(n, "face")} in ${plural(all, "picture")}`
}

/** How many held-out pictures are in no figure, because no face was found in them. */
export const unjudged = (data: ReportData): Markup | undefined => {
  const sets = [...new Set(data.results.map((r) => r.set))]
  const all = sets.reduce((sum, set) => sum + (pictures(data, set) ?? 0), 0)
  const faces = sets.reduce((sum, set) => sum + (pictures(data, set) === undefined ? 0 : nOf(data, set)), 0)
  return faces < all
    ? html`<p class="caveat">
        In <b>${count(all - faces)} of ${count(all)}</b> held-out pictures no face was found or kept; they are
        in none of these figures. If every one counted as wrong, accuracy would be lower by a factor of
        ${(faces / all).toFixed(2)}.
      </p>`
    : undefined
}

const nOf = (data: ReportData, set: string): number => data.results.find((r) => r.set === set)?.n ?? 0

/** Accuracy of every model on every set, with interval and baseline. */
export const headline = (data: ReportData): Markup => {
  const { results, models } = data
  const sets = [...new Set(results.map((r) => r.set))]
  const nodes = [...new Set(results.map((r) => r.model))]
  return scroller(
    "Accuracy of every model on every set",
    html`<table class="headline">
      <caption>
        Accuracy on each held-out set. Line: 95&#160;% interval (Wilson). Thin mark: always saying the most
        frequent class.
      </caption>
      <thead>
        <tr>
          <th scope="col">Set</th>
          ${nodes.map((node) => html`<th scope="col">${titleOf(models, node)}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${sets.map((set) => {
          const row = results.filter((r) => r.set === set)
          return html`<tr>
            <th scope="row">
              ${setTitle(set)}<span class="small"
                >${judged(data, set, row[0]?.n ?? 0)}${row[0]?.generated === false ? "" : row[0]?.generated === true ? ", generated" : ", partly generated"}</span
              >
            </th>
            ${nodes.map((node) => {
              const result = row.find((r) => r.model === node)
              return result === undefined ? html`<td>–</td>` : cell(result)
            })}
          </tr>`
        })}
      </tbody>
    </table>`,
  )
}

/** One face per class: what this is about, at a glance. */
export const strip = (data: ReportData): Markup | undefined => {
  const groups = data.samples.filter((group) => group.shown.length > 0)
  if (groups.length === 0) return undefined
  return html`<ul class="strip">
    ${groups.map(
      ({ label, shown }) =>
        html`<li style="--part:${colourOf(label, data.classes)}">
          ${picture(shown[0].thumb, `A face labelled ${label}`)}<span>${capital(label)}</span>
        </li>`,
    )}
  </ul>`
}

/** Figures of the way from search to training set. */
export const steps = (data: ReportData): Markup | undefined => {
  const { origins, before, after, duplicates } = data
  const items: Array<readonly [string, string]> = []
  if (origins !== undefined) items.push([count(origins.found), "pictures found"])
  const lost = data.rejects.reduce((sum, stage) => sum + stage.total, 0)
  if (data.rejects.length > 0) items.push([count(lost), "rejected, each with a reason"])
  if (duplicates !== undefined) items.push([count(duplicates.dropped), "duplicates taken out"])
  if (before !== undefined) items.push([count(before.rows), "faces kept"])
  if (after !== undefined) {
    const copies = Object.values(after.train).reduce((sum, c) => sum + c.resampled + c.augmented, 0)
    if (copies > 0) items.push([count(copies), "copies added for balance"])
  }
  if (items.length < 2) return undefined
  return html`<dl class="steps">
    ${items.map(
      ([n, what]) =>
        html`<div>
          <dt>${what}</dt>
          <dd>${n}</dd>
        </div>`,
    )}
  </dl>`
}
