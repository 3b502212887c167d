import type { ReportData } from "./data.ts"
import { html, Markup } from "./markup.ts"
import { balanceSection } from "./sections/balance.ts"
import { comparisonSection } from "./sections/comparison.ts"
import { creditsSection } from "./sections/credits.ts"
import { duplicatesSection } from "./sections/duplicates.ts"
import { headline, lede, notice, steps, strip, unjudged } from "./sections/headline.ts"
import { attentionSection, featuresSection } from "./sections/learnt.ts"
import { mapSection, neighboursSection } from "./sections/inside.ts"
import { mistakesSection } from "./sections/mistakes.ts"
import { originsSection } from "./sections/origins.ts"
import { publishedSection } from "./sections/published.ts"
import { rejectsSection } from "./sections/rejects.ts"
import { confusionSection, perClassSection } from "./sections/results.ts"
import { samplesSection } from "./sections/samples.ts"
import { trainingSection } from "./sections/training.ts"
import type { Section } from "./sections/section.ts"
import { style } from "./style.ts"

const SECTIONS: ReadonlyArray<(data: ReportData) => Section | undefined> = [
  confusionSection,
  perClassSection,
  comparisonSection,
  mistakesSection,
  samplesSection,
  originsSection,
  rejectsSection,
  duplicatesSection,
  balanceSection,
  trainingSection,
  featuresSection,
  attentionSection,
  neighboursSection,
  mapSection,
  publishedSection,
  creditsSection,
]

/** The page: one file that loads nothing. Its content security policy forbids scripts and any address but its own. */
export const page = (data: ReportData): string => {
  const sections = SECTIONS.flatMap((make) => make(data) ?? [])
  return html`${new Markup("<!doctype html>\n")}
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta
          http-equiv="Content-Security-Policy"
          content="default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
        />
        <meta name="color-scheme" content="light dark" />
        <meta name="referrer" content="no-referrer" />
        <title>${data.title}</title>
        <style>
          ${new Markup(style)}
        </style>
      </head>
      <body>
        <a class="skip" href="#main">Skip to the figures</a>
        <header>
          <p class="kicker">Facet · report</p>
          <h1>${data.title}</h1>
          ${notice(data.generated)} ${lede(data)}
        </header>
        <nav aria-label="Contents">
          <ol>
            ${sections.map((s) => html`<li><a href="#${s.id}">${s.short}</a></li>`)}
          </ol>
        </nav>
        <main id="main">
          <section class="first" aria-label="Headline figures">
            ${strip(data)} ${headline(data)} ${unjudged(data)} ${steps(data)}
          </section>
          ${sections.map(
            (s) =>
              html`<section id="${s.id}" aria-labelledby="${s.id}-title">
                <h2 id="${s.id}-title">${s.title}</h2>
                ${s.body}
              </section> `,
          )}
        </main>
        <footer>
          <p>
            Made by Facet from the artifacts of one run: every figure on this page is computed from them.
            <code>dag lineage</code> leads from each of them back to its pictures.
          </p>
        </footer>
      </body>
    </html> `.text
}
