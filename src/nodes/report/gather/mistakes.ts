import type { TableHandle } from "../../../runtime/handles.ts"
import type { Prediction } from "../../../schema/sample.ts"
import { type Mistake, type NamedModel, titleOf } from "../data.ts"
import { best } from "./pick.ts"
import type { MakeThumb } from "./thumbs.ts"

/** The wrong predictions a model was surest of; of one picture only the surest. */
export const gatherMistakes = async (
  predictions: TableHandle<Prediction>,
  models: ReadonlyArray<NamedModel>,
  limit: number,
  thumb: MakeThumb,
): Promise<{
  readonly mistakes: ReadonlyArray<Mistake>
  readonly wrong: number
  readonly judged: number
}> => {
  let wrong = 0
  let judged = 0
  // Several models may be wrong on one picture: keep enough to still fill the list with different ones.
  const surest = best<Prediction>(limit * Math.max(1, models.length))
  for await (const row of predictions.stream()) {
    judged++
    if (row.predicted === row.label) continue
    wrong++
    surest.add(Math.max(...row.probabilities), row.id, row)
  }
  const seen = new Set<string>()
  const mistakes: Array<Mistake> = []
  for (const row of surest.done()) {
    if (mistakes.length === limit) break
    if (seen.has(row.image.$blob)) continue
    seen.add(row.image.$blob)
    const picture = await thumb(row.image)
    if (picture === undefined) continue
    mistakes.push({
      thumb: picture,
      label: row.label,
      predicted: row.predicted,
      probability: Math.max(...row.probabilities),
      model: titleOf(models, row.model),
      set: row.set,
      id: row.sample,
    })
  }
  return { mistakes, wrong, judged }
}
