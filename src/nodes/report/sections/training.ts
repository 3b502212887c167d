import { curves } from "../charts/curves.ts"
import { niceScale } from "../charts/scale.ts"
import type { NamedModel, ReportData } from "../data.ts"
import { count, percent, plural } from "../format.ts"
import { html, type Markup } from "../markup.ts"
import type { Section } from "./section.ts"

const LEARN = "var(--accent-2)"
const CHECK = "var(--accent)"

const augmentation = (value: unknown): ReadonlyArray<string> => {
  if (typeof value !== "object" || value === null) return []
  const parts = Object.entries(value).flatMap(([name, range]) =>
    typeof range === "number"
      ? [`${name} ${range}`]
      : Array.isArray(range)
        ? [`${name} ${range.join("–")}`]
        : [],
  )
  return parts.length === 0 ? [] : [`changed at random: ${parts.join(", ")}`]
}

const settings = ({ value }: NamedModel): string => {
  const { training, preprocessing, seed } = value
  const say = (key: string, word: string): ReadonlyArray<string> =>
    typeof training[key] === "number" || typeof training[key] === "string" ? [`${word} ${training[key]}`] : []
  return [
    `input ${preprocessing.size} × ${preprocessing.size} ${preprocessing.channels === 1 ? "grey" : "RGB"}`,
    ...say("batch", "batch"),
    ...say("lr", "learning rate"),
    ...say("schedule", "schedule"),
    ...say("momentum", "momentum"),
    ...say("l2", "L2"),
    ...say("classWeights", "class weights"),
    ...say("labelSmoothing", "label smoothing"),
    ...augmentation(training["augment"]),
    `seed ${seed}`,
  ].join(" · ")
}

const model = (named: NamedModel): Markup => {
  const { history, parameters, bestEpoch } = named.value
  const last = history.at(-1)
  const kept = history.find((epoch) => epoch.epoch === bestEpoch) ?? last
  const checked = history.some((epoch) => epoch.val !== undefined)
  const mark = checked && history.length > 1 ? { mark: bestEpoch } : {}
  const lossText =
    last === undefined || history[0] === undefined
      ? "no epochs"
      : `from ${history[0].train.loss.toFixed(2)} to ${last.train.loss.toFixed(2)}${last.val === undefined ? "" : `, validation ${last.val.loss.toFixed(2)}`}`
  const accuracyText =
    last === undefined
      ? "no epochs"
      : `${percent(last.train.accuracy)} at the end${last.val === undefined ? "" : `, validation ${percent(last.val.accuracy)}`}`
  // A leap of the validation loss (batch statistics that have not settled) would flatten the rest.
  const limit = niceScale(0, 1.5 * Math.max(...history.map((epoch) => epoch.train.loss), 0)).max
  const highest = Math.max(...history.map((epoch) => epoch.val?.loss ?? 0), 0)
  const lines = (pick: "loss" | "accuracy") => [
    { name: "training", colour: LEARN, dashed: true, values: history.map((epoch) => epoch.train[pick]) },
    ...(checked
      ? [{ name: "validation", colour: CHECK, values: history.map((epoch) => epoch.val?.[pick]) }]
      : []),
  ]
  return html`<section class="model">
    <h3>${named.title}</h3>
    <p class="meta">${plural(parameters, "parameter")} · ${settings(named)}</p>
    <div class="pair">
      <figure>
        <figcaption>
          Loss
          (cross-entropy)${highest > limit && `; the validation’s highest, ${highest.toFixed(1)}, is cut off`}
        </figcaption>
        ${curves(lines("loss"), {
          description: `Loss of ${named.title} over ${plural(history.length, "epoch")}: ${lossText}`,
          format: (v) => String(v),
          limit,
          ...mark,
        })}
      </figure>
      <figure>
        <figcaption>Accuracy</figcaption>
        ${curves(lines("accuracy"), {
          description: `Accuracy of ${named.title} over ${plural(history.length, "epoch")}: ${accuracyText}`,
          format: (v) => `${Math.round(v * 100)} %`,
          max: 1,
          ...mark,
        })}
      </figure>
    </div>
    <p class="meta">
      ${kept !== undefined && `Weights of epoch ${count(kept.epoch)} of ${count(history.length)} kept${kept.val?.macroF1 === undefined ? "" : ` (validation macro-F1 ${percent(kept.val.macroF1)})`}.`}
      Training figures are those of the changed pictures the network saw, while it was learning.
    </p>
  </section>`
}

/** Training curves of every model. */
export const trainingSection = (data: ReportData): Section | undefined =>
  data.models.length === 0
    ? undefined
    : {
        id: "training",
        title: "Training",
        short: "Training",
        body: html`<div class="models">${data.models.map(model)}</div>`,
      }
