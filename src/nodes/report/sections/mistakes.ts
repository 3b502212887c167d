import type { ReportData } from "../data.ts"
import { percent, plural } from "../format.ts"
import { html } from "../markup.ts"
import { colourOf } from "../palette.ts"
import { setTitle } from "../published.ts"
import { picture } from "./picture.ts"
import type { Section } from "./section.ts"

/** The wrong answers a model was surest of. */
export const mistakesSection = (data: ReportData): Section | undefined =>
  data.mistakes.length === 0
    ? undefined
    : {
        id: "mistakes",
        title: "Most confident mistakes",
        short: "Mistakes",
        body: html`<p>
            ${plural(data.wrong, "answer")} of all models together ${data.wrong === 1 ? "was" : "were"} wrong;
            these were given with most confidence. Often the label is at fault, or the face shows two things.
          </p>
          <ul class="cards">
            ${data.mistakes.map(
              (m) =>
                html`<li>
                  ${picture(m.thumb, `A face labelled ${m.label}, taken for ${m.predicted}`)}
                  <p>
                    <span class="was" style="--part:${colourOf(m.label, data.classes)}">${m.label}</span>
                    <span class="took" style="--part:${colourOf(m.predicted, data.classes)}"
                      ><span aria-label="taken for">→</span> ${m.predicted}</span
                    ><small>${percent(m.probability, 0)} sure · ${m.model} · ${setTitle(m.set)}</small>
                  </p>
                </li>`,
            )}
          </ul>`,
      }
