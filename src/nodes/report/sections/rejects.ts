import { bar } from "../charts/bar.ts"
import type { RejectStage, ReportData } from "../data.ts"
import { count, plural, words } from "../format.ts"
import { html, type Markup } from "../markup.ts"
import { picture } from "./picture.ts"
import type { Section } from "./section.ts"

const stageTable = (stage: RejectStage, max: number): Markup =>
  html`<section class="stage">
    <h3>${stage.stage} <small>${count(stage.total)}</small></h3>
    <table>
      <thead class="quiet">
        <tr>
          <th scope="col">reason</th>
          <th scope="col"><span class="hidden">bar</span></th>
          <th scope="col" class="n">pictures</th>
        </tr>
      </thead>
      <tbody>
        ${stage.reasons.map(
          ({ reason, count: n }) =>
            html`<tr>
              <th scope="row">${words(reason)}</th>
              <td class="wide">${bar([{ value: n, colour: "var(--ink-3)" }], max, 10)}</td>
              <td class="n">${count(n)}</td>
            </tr>`,
        )}
      </tbody>
    </table>
    ${
      stage.examples.length > 0 &&
      html`<ul class="faces small">
        ${stage.examples.map(
          (example) =>
            html`<li title="${example.detail ?? words(example.reason)}">
              ${picture(example.thumb, `Rejected: ${words(example.reason)}`)}<span
                >${words(example.reason)}</span
              >
            </li>`,
        )}
      </ul>`
    }
  </section>`

/** What was rejected at each stage and why. */
export const rejectsSection = (data: ReportData): Section | undefined => {
  if (data.rejects.length === 0) return undefined
  const stages = data.rejects.filter((stage) => stage.total > 0)
  const total = stages.reduce((sum, stage) => sum + stage.total, 0)
  const max = Math.max(1, ...stages.flatMap((stage) => stage.reasons.map((r) => r.count)))
  const clean = data.rejects.filter((stage) => stage.total === 0).map((stage) => stage.stage)
  return {
    id: "rejected",
    title: "What was rejected, and why",
    short: "Rejected",
    body: html`<p>
        ${total === 0 ? "Nothing was rejected." : `${plural(total, "picture")} rejected. Nothing disappears silently: every one has its reason in the tables of its stage.`}${clean.length > 0 && total > 0 && ` Nothing at: ${clean.join(", ")}.`}
      </p>
      <div class="stages">${stages.map((stage) => stageTable(stage, max))}</div>`,
  }
}
