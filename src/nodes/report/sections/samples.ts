import type { ReportData } from "../data.ts"
import { capital } from "../format.ts"
import { html } from "../markup.ts"
import { colourOf } from "../palette.ts"
import { linkedPicture } from "./picture.ts"
import type { Section } from "./section.ts"

/** A grid of faces per class. */
export const samplesSection = (data: ReportData): Section | undefined =>
  data.samples.length === 0
    ? undefined
    : {
        id: "samples",
        title: "What the networks learn from",
        short: "Samples",
        body: html`<p>
            Faces of each class after detection and alignment, chosen blindly (by the digest of their names).
            ${(data.origins?.yields.length ?? 0) > 0 && "Labels are what was searched for, so some are wrong: this is what such data look like."}
          </p>
          <div class="samples">
            ${data.samples.map(
              ({ label, shown }) =>
                html`<section style="--part:${colourOf(label, data.classes)}">
                  <h3>${capital(label)}</h3>
                  <ul class="faces">
                    ${shown.map(
                      (one) =>
                        html`<li>
                          ${linkedPicture(one, `A face labelled ${label}${one.query === undefined ? "" : `, found by “${one.query}”`}`)}
                        </li>`,
                    )}
                  </ul>
                </section>`,
            )}
          </div>`,
      }
