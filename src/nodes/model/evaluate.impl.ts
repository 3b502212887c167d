import { useBackend } from "../../learning/backend.ts"
import { evaluate as score, wilsonInterval } from "../../learning/metrics.ts"
import { decodeModel } from "../../learning/model-file.ts"
import { predict } from "../../learning/predict.ts"
import type { RunFunction } from "../../runtime/node.ts"
import type { Prediction } from "../../schema/sample.ts"
import type { EvaluateParams, inputs, outputs } from "./evaluate.ts"
import { generatedOf } from "./origin.ts"
import { loadPictures } from "./pictures.ts"
import { type TestSet, testSets } from "./sets.ts"
import { classesOf, DatasetError, indicesOf } from "./training-set.ts"
import type { EvaluationValue, Figures, Result } from "./types.ts"

const figuresOf = ({ accuracy, macroF1, perClass, confusion }: Result): Figures => ({
  accuracy,
  macroF1,
  perClass,
  confusion,
})

/** Results with the figures where tools look for them; see the type. */
export const summarize = (results: ReadonlyArray<Result>): EvaluationValue =>
  results.length === 1
    ? { results, ...figuresOf(results[0]) }
    : {
        ...Object.fromEntries(results.map((r) => [`${r.model} × ${r.set}`, { ...figuresOf(r) }])),
        results,
      }

/** Scores the predictions of one model for one set. */
export const resultOf = (
  model: string,
  set: TestSet,
  classes: ReadonlyArray<string>,
  predicted: ArrayLike<number>,
): Result => {
  const labels = indicesOf(set.rows, classes)
  const { samples, accuracy, macroF1, perClass, confusion } = score(labels, predicted, classes.length)
  const { low, high } = wilsonInterval(Math.round(accuracy * samples), samples)
  return {
    model,
    set: set.name,
    n: samples,
    accuracy,
    macroF1,
    perClass: Object.fromEntries(classes.map((name, c) => [name, perClass[c]])),
    confusion,
    interval: [low, high],
    classes,
    generated: generatedOf(set.rows),
  }
}

/** Judges every model on every set. */
const evaluate = (async ({ inputs, params, context }) => {
  if (inputs.models.length === 0) throw new DatasetError("input models: no model to judge")
  const tables = await Promise.all(
    inputs.sets.map(async ({ node, value }) => ({ node, rows: await value.all() })),
  )
  const sets = testSets(tables, params.split)
  if (sets.length === 0)
    throw new DatasetError(
      `input sets: no rows to judge${params.split === "test" ? " (of sets with splits only test rows are: see the parameter split)" : ""}`,
    )
  const engine = await useBackend(params.backend === "auto" ? "onnx" : params.backend, {
    threads: params.threads,
  })
  context.log(engine.text)
  const results: Array<Result> = []
  const predictions: Array<Prediction> = []
  let done = 0
  for (const { node: name, value } of inputs.models) {
    const { model } = await decodeModel(await context.blobs.get(value.weights))
    for (const set of sets) {
      classesOf(set.rows, value.classes)
      const images = await loadPictures(set.rows, value.preprocessing, context)
      const { probabilities, predicted } = predict(model, value.preprocessing, images, {
        batchSize: params.batch,
      })
      const result = resultOf(name, set, value.classes, predicted)
      results.push(result)
      const columns = value.classes.length
      for (const [i, row] of set.rows.entries())
        predictions.push({
          id: `${name}|${set.name}|${row.id}`,
          sample: row.id,
          image: row.image,
          model: name,
          set: set.name,
          label: row.label,
          predicted: value.classes[predicted[i]],
          probabilities: Array.from(probabilities.subarray(i * columns, (i + 1) * columns)),
        })
      context.log(
        `${name} on ${set.name}: ${result.n} pictures, accuracy ${result.accuracy.toFixed(3)} (${result.interval.map((v) => v.toFixed(3)).join(" to ")}), macro-F1 ${result.macroF1.toFixed(3)}`,
      )
      context.progress(++done, sets.length * inputs.models.length)
    }
    model.dispose()
  }
  return { evaluation: summarize(results), predictions }
}) satisfies RunFunction<typeof inputs, typeof outputs, EvaluateParams>

export default evaluate
