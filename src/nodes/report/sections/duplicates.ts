import type { DuplicateCluster, ReportData } from "../data.ts"
import { count, plural, sentence } from "../format.ts"
import { html, type Markup } from "../markup.ts"
import { linkedPicture } from "./picture.ts"
import type { Section } from "./section.ts"

const OUTCOMES: Readonly<Record<string, string>> = {
  kept: "with one picture kept",
  conflict: "dropped whole for contradicting labels",
  protected: "dropped as alike to a test picture",
}

const tell = (cluster: DuplicateCluster): string => {
  const parts = [plural(cluster.size, "picture")]
  if (cluster.kind !== undefined) parts.push(cluster.kind === "exact" ? "equal bytes" : "alike by sight")
  if (cluster.outcome === "conflict") parts.push(`contradicting labels (${cluster.labels.join(", ")})`)
  if (cluster.outcome === "protected") parts.push("alike to a test picture")
  return parts.join(" · ")
}

const figure = (cluster: DuplicateCluster): Markup => {
  const hidden = cluster.size - cluster.dropped.length - (cluster.kept === undefined ? 0 : 1)
  return html`<figure class="cluster">
    <ul class="faces">
      ${
        cluster.kept !== undefined &&
        html`<li class="kept">
          ${linkedPicture(cluster.kept, `Kept, labelled ${cluster.kept.label}`)}<span>kept</span>
        </li>`
      }${cluster.dropped.map(
        (one) =>
          html`<li class="gone">
            ${linkedPicture(one, `Taken out, labelled ${one.label}`)}<span>${one.label}</span>
          </li>`,
      )}${hidden > 0 && html`<li class="more">+${count(hidden)}</li>`}
    </ul>
    <figcaption>${tell(cluster)}</figcaption>
  </figure>`
}

/** Clusters of duplicates. */
export const duplicatesSection = (data: ReportData): Section | undefined => {
  const { duplicates } = data
  if (duplicates === undefined) return undefined
  const outcomes = Object.entries(duplicates.byOutcome).map(
    ([outcome, n]) => `${count(n)} ${OUTCOMES[outcome] ?? outcome}`,
  )
  return {
    id: "duplicates",
    title: "Duplicates",
    short: "Duplicates",
    body: html`<p>
        ${
          duplicates.dropped === 0
            ? "No duplicates were found."
            : `${plural(duplicates.dropped, "picture")} taken out, in ${plural(duplicates.clusters, "cluster")}${outcomes.length === 0 ? "" : `: ${sentence(outcomes)}`}. The same picture in training and test would make every figure a lie.`
        }
      </p>
      ${duplicates.shown.length > 0 && html`<div class="clusters">${duplicates.shown.map(figure)}</div>`}`,
  }
}
