import { bar } from "../charts/bar.ts"
import type { ClassCounts, ReportData } from "../data.ts"
import { capital, count } from "../format.ts"
import { html, type Markup } from "../markup.ts"
import { colourOf } from "../palette.ts"
import { scroller, type Section } from "./section.ts"

const NONE = { original: 0, resampled: 0, augmented: 0 }
const sum = (c: {
  readonly original: number
  readonly resampled: number
  readonly augmented: number
}): number => c.original + c.resampled + c.augmented

/** Largest class over smallest, of the classes that occur. */
export const imbalance = (counts: ClassCounts): number => {
  const sizes = Object.values(counts.train)
    .map(sum)
    .filter((n) => n > 0)
  return sizes.length === 0 ? 1 : Math.max(...sizes) / Math.min(...sizes)
}

/** The same with each class counted by its rows' loss weights: what the training sees. */
export const weightedImbalance = (counts: ClassCounts): number => {
  const sizes = Object.entries(counts.train).map(([label, c]) => sum(c) * (counts.weight[label] ?? 1))
  const some = sizes.filter((n) => n > 0)
  return some.length === 0 ? 1 : Math.max(...some) / Math.min(...some)
}

const isWeighted = (counts: ClassCounts): boolean =>
  Object.values(counts.weight).some((w) => Math.abs(w - 1) > 1e-9)

const ratio = (value: number): string => `${value.toFixed(1)} : 1`

const table = (data: ReportData, before: ClassCounts, after: ClassCounts): Markup => {
  const classes = [
    ...data.classes,
    ...Object.keys(before.train)
      .filter((label) => !data.classes.includes(label))
      .toSorted(),
  ]
  const max = Math.max(
    1,
    ...classes.flatMap((label) => [sum(before.train[label] ?? NONE), sum(after.train[label] ?? NONE)]),
  )
  const weighted = isWeighted(after)
  return scroller(
    "Class counts before and after balancing",
    html`<table class="counts">
      <caption>
        Training split per class
      </caption>
      <thead>
        <tr>
          <th scope="col">Class</th>
          <th scope="col" class="n">Before</th>
          <th scope="col" class="wide">Before (above) and after (below)</th>
          <th scope="col" class="n">Original</th>
          <th scope="col" class="n">Resampled</th>
          <th scope="col" class="n">Augmented</th>
          <th scope="col" class="n">After</th>
          ${weighted && html`<th scope="col" class="n">Loss weight</th>`}
          <th scope="col" class="n">Other splits</th>
        </tr>
      </thead>
      <tbody>
        ${classes.map((label) => {
          const b = before.train[label] ?? NONE
          const a = after.train[label] ?? NONE
          const colour = colourOf(label, data.classes)
          return html`<tr>
            <th scope="row"><span class="chip" style="--part:${colour}"></span>${capital(label)}</th>
            <td class="n">${count(sum(b))}</td>
            <td class="wide">
              ${bar([{ value: sum(b), colour, look: "light" }], max, 9)}${bar(
                [
                  { value: a.original, colour },
                  { value: a.resampled, colour, look: "light" },
                  { value: a.augmented, colour, look: "outline" },
                ],
                max,
                13,
              )}
            </td>
            <td class="n">${count(a.original)}</td>
            <td class="n">${count(a.resampled)}</td>
            <td class="n">${count(a.augmented)}</td>
            <td class="n"><b>${count(sum(a))}</b></td>
            ${weighted && html`<td class="n">${(after.weight[label] ?? 1).toFixed(2)}</td>`}
            <td class="n soft">${count(after.other[label] ?? 0)}</td>
          </tr>`
        })}
      </tbody>
    </table>`,
  )
}

/** Class counts before and after balancing; originals, resampled and augmented copies apart. */
export const balanceSection = (data: ReportData): Section | undefined => {
  const before = data.before ?? data.after
  const after = data.after ?? data.before
  if (before === undefined || after === undefined) return undefined
  return {
    id: "balance",
    title: "Classes before and after balancing",
    short: "Balance",
    body: html`<p>
        Largest against smallest class: <b>${ratio(imbalance(before))}</b> before,
        <b>${ratio(imbalance(after))}</b>
        after${isWeighted(after) && html`, <b>${ratio(weightedImbalance(after))}</b> as the loss weighs them`}.
        Copies are made in the training split only and always counted apart: solid bars are originals, pale
        ones plain copies, outlined ones copies that training changes at random.
      </p>
      ${table(data, before, after)}`,
  }
}
