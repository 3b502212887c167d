import { count, percent } from "../format.ts"
import { html, type Markup } from "../markup.ts"
import { abbreviations, colourOf } from "../palette.ts"

/**
 * From this share on, in percent, a cell is so dark (light mode) or so bright (dark mode) that its text changes
 * between black and white. Between the two, where both would be hard to read, there is no share: see the tests.
 */
export const FLIP = { light: 73, dark: 58 } as const

/**
 * A confusion matrix as a table: rows are the true classes, each cell the share of its row with the number of
 * pictures below, one colour scale from 0 to 100 % for all matrices of the page.
 * @param matrix [true][predicted], in the order of `classes`
 */
export const confusionTable = (
  matrix: ReadonlyArray<ReadonlyArray<number>>,
  classes: ReadonlyArray<string>,
  caption: Markup,
): Markup => {
  const short = abbreviations(classes)
  return html`<table class="confusion">
    <caption>
      ${caption}
    </caption>
    <thead>
      <tr>
        <th scope="col"><span class="corner">true ↓ &#160;predicted →</span></th>
        ${classes.map(
          (name, i) =>
            html`<th scope="col">
              <abbr title="${name}" style="--part:${colourOf(name, classes)}">${short[i]}</abbr>
            </th>`,
        )}
      </tr>
    </thead>
    <tbody>
      ${classes.map((name, r) => {
        const row = matrix[r] ?? []
        const total = row.reduce((a, b) => a + b, 0)
        return html`<tr>
          <th scope="row">${name}</th>
          ${classes.map((_, c) => {
            const n = row[c] ?? 0
            if (total === 0) return html`<td class="none"><span aria-label="no pictures">–</span></td>`
            const share = n / total
            const value = Math.round(share * 100)
            return html`<td
              class="${[value >= FLIP.light ? "flip-l" : "", value >= FLIP.dark ? "flip-d" : "", r === c ? "right" : "", n === 0 ? "zero" : ""].filter((k) => k !== "").join(" ")}"
              style="--v:${value}%"
            >
              <b>${n === 0 ? "·" : percent(share, 0).replace(/\s?%/u, "")}</b
              ><small>${n === 0 ? "" : count(n)}</small>
            </td>`
          })}
        </tr>`
      })}
    </tbody>
  </table>`
}
