import type { Estimate } from "../../../learning/student-t.ts"
import type { Group } from "../../model/comparison.ts"
import type { NamedComparison, ReportData } from "../data.ts"
import { capital, percent, plural, sentence, words } from "../format.ts"
import { html, type Markup } from "../markup.ts"
import { setTitle } from "../published.ts"
import { scroller, type Section } from "./section.ts"

/** `71.3 % ± 2.1`, in percent and its points; without an interval the mean alone. */
const mean = ({ mean, interval }: Estimate): string =>
  `${percent(mean)}${interval === undefined ? "" : ` ± ${((interval[1] - mean) * 100).toFixed(1)}`}`

/** `+1.2 ± 0.8`, in points; a real minus sign. */
const signed = ({ mean, interval }: Estimate): string => {
  const points = (mean * 100).toFixed(1)
  const text = points.startsWith("-") ? points.replace("-", "−") : `+${points}`
  return `${text}${interval === undefined ? "" : ` ± ${((interval[1] - mean) * 100).toFixed(1)}`}`
}

const isClear = ({ interval }: Estimate): boolean =>
  interval !== undefined && (interval[0] > 0 || interval[1] < 0)

const difference = (estimate: Estimate | undefined): Markup => {
  if (estimate === undefined) return html`<td class="n soft">baseline</td>`
  const text = signed(estimate)
  return html`<td class="n">${isClear(estimate) ? html`<b>${text}</b>` : text}</td>`
}

const mark = (group: Group): Markup | false =>
  group.best && html`<span class="small">best on validation</span>`

/** A figure and its second line, as both layouts have it. */
const figures = (group: Group): Markup =>
  html`${mean(group.accuracy)}<span class="small">macro‑F1 ${mean(group.macroF1)}</span>${mark(group)}`

const settingOf = (group: Group, axes: ReadonlyArray<string>): string =>
  axes
    .map((axis) => (axes.length === 1 ? group.settings[axis] : `${words(axis)} ${group.settings[axis]}`))
    .join(", ")

const valuesOf = (groups: ReadonlyArray<Group>, axis: string): ReadonlyArray<string> => [
  ...new Set(groups.map(({ settings }) => settings[axis] ?? "")),
]

/** Two axes and nothing to compare with: one down, one across. */
const grid = (
  groups: ReadonlyArray<Group>,
  [down, across]: ReadonlyArray<string>,
  caption: string,
): Markup => {
  const columns = valuesOf(groups, across)
  return html`<table>
    <caption>
      ${caption}
    </caption>
    <thead>
      <tr>
        <th scope="col">${words(down)} ↓ &#160;${words(across)} →</th>
        ${columns.map((value) => html`<th scope="col" class="n">${value}</th>`)}
      </tr>
    </thead>
    <tbody>
      ${valuesOf(groups, down).map(
        (row) =>
          html`<tr>
            <th scope="row">${row}</th>
            ${columns.map((column) => {
              const group = groups.find(
                ({ settings }) => settings[down] === row && settings[across] === column,
              )
              return html`<td class="n">${group === undefined ? "–" : figures(group)}</td>`
            })}
          </tr>`,
      )}
    </tbody>
  </table>`
}

/** A setting a line. */
const lines = (
  groups: ReadonlyArray<Group>,
  axes: ReadonlyArray<string>,
  hasBaseline: boolean,
  caption: string,
): Markup => {
  const checked = groups.some(({ validation }) => validation !== undefined)
  return html`<table>
    <caption>
      ${caption}
    </caption>
    <thead>
      <tr>
        <th scope="col">${axes.length === 1 ? words(axes[0]) : "Setting"}</th>
        <th scope="col" class="n">Accuracy</th>
        ${hasBaseline && html`<th scope="col" class="n">difference</th>`}
        <th scope="col" class="n">Macro‑F1</th>
        ${hasBaseline && html`<th scope="col" class="n">difference</th>`}
        ${checked && html`<th scope="col" class="n">Validation macro‑F1</th>`}
        <th scope="col" class="n">n</th>
      </tr>
    </thead>
    <tbody>
      ${groups.map(
        (group) =>
          html`<tr>
            <th scope="row">${settingOf(group, axes)}${mark(group)}</th>
            <td class="n">${mean(group.accuracy)}</td>
            ${hasBaseline && difference(group.difference?.accuracy)}
            <td class="n">${mean(group.macroF1)}</td>
            ${hasBaseline && difference(group.difference?.macroF1)}
            ${
              checked &&
              html`<td class="n soft">${group.validation === undefined ? "–" : mean(group.validation)}</td>`
            }
            <td class="n">${group.accuracy.n}</td>
          </tr>`,
      )}
    </tbody>
  </table>`
}

/** Axes of three numbers and more on which a best setting is the lowest or highest: better ones may lie beyond. */
const ends = ({ axes, groups }: NamedComparison): ReadonlyArray<string> =>
  axes.filter((axis) => {
    const values = valuesOf(groups, axis).map(Number)
    const [low, high] = [Math.min(...values), Math.max(...values)]
    return (
      values.length > 2 &&
      values.every(Number.isFinite) &&
      groups.some(({ best, settings }) => best && [low, high].includes(Number(settings[axis])))
    )
  })

/** What must be known to read the tables. */
const explain = (comparison: NamedComparison): string => {
  const { over, baseline, groups } = comparison
  const atEnd = sentence(ends(comparison).map(words))
  const counts = [...new Set(groups.map(({ accuracy }) => accuracy.n))].toSorted((a, b) => a - b)
  const repeated = counts.at(-1) !== 1
  const n =
    counts.length === 1 ? plural(counts[0], "repetition") : `${counts[0]} to ${counts.at(-1)} repetitions`
  return [
    repeated
      ? `Mean of ${n} (${over}) ± half of its 95 % interval (Student’s t, in percentage points): how much chance in training matters, on these very pictures.${counts[0] === 1 ? " Where n is 1 there is no interval." : ""}`
      : `One repetition (${over}) each: no interval can be given, and small differences mean nothing.`,
    baseline === undefined
      ? ""
      : `Differences are from ${Object.entries(baseline)
          .map(([axis, value]) => `${words(axis)} ${value}`)
          .join(
            ", ",
          )}, pair by pair of equal ${over}${repeated ? "; bold where the interval leaves out 0" : ""}.`,
    groups.some(({ best }) => best)
      ? "The best is chosen by macro‑F1 on the validation split, not by the figures shown."
      : "",
    atEnd === "" ? "" : `A best ${atEnd} is at an end of what was tried: there may be a better one beyond.`,
    repeated ? "Of many settings a few differ by chance alone." : "",
  ]
    .filter((part) => part !== "")
    .join(" ")
}

const one = (comparison: NamedComparison): Markup => {
  const { groups, apart, baseline } = comparison
  const axes = comparison.axes.filter((axis) => !apart.includes(axis))
  const parts = new Map<string, Array<Group>>()
  for (const group of groups) {
    const title = sentence(apart.map((axis) => group.settings[axis] ?? ""))
    const caption = `${title === "" ? "" : `${title} on `}${setTitle(group.set)}, ${plural(group.pictures, "face")}${group.generated === false ? "" : group.generated === true ? ", generated" : ", partly generated"}`
    const members = parts.get(caption)
    if (members === undefined) parts.set(caption, [group])
    else members.push(group)
  }
  return html`<section>
    <h3>${capital(words(comparison.node))}</h3>
    <p>${explain(comparison)}</p>
    <div class="settings">
      ${[...parts].map(([caption, members]) =>
        scroller(
          `${capital(words(comparison.node))}: ${caption}`,
          axes.length === 2 && baseline === undefined
            ? grid(members, axes, caption)
            : lines(members, axes, baseline !== undefined, caption),
        ),
      )}
    </div>
  </section>`
}

/** Sweeps and ablations. */
export const comparisonSection = (data: ReportData): Section | undefined =>
  data.comparisons.length === 0
    ? undefined
    : {
        id: "comparisons",
        title: "Settings compared",
        short: "Settings",
        body: html`${data.comparisons.map(one)}`,
      }
