import { nearest, unitRows } from "../../learning/embedding/neighbours.ts"
import type { RunFunction } from "../../runtime/node.ts"
import type { Embedded, Neighbour } from "./inside-types.ts"
import type { inputs, NeighboursParams, outputs } from "./neighbours.ts"
import { byModel, EmbeddingsError, loadVectors } from "./vectors.ts"

/** Wrong answers, the surest first, then right ones, the least sure first; equal ones by id. */
export const byInterest = (rows: ReadonlyArray<Embedded>): ReadonlyArray<Embedded> => {
  const score = ({ label, predicted, probability }: Embedded): number =>
    predicted === label ? -1 - probability : probability
  return rows.toSorted((a, b) => score(b) - score(a) || (a.id < b.id ? -1 : 1))
}

/** Looks for the neighbours of each model's test samples among its training samples. */
const neighbours = (async ({ inputs, params, context }) => {
  const found: Array<Neighbour> = []
  const models = byModel(await inputs.embeddings.all())
  let done = 0
  for (const [model, rows] of models) {
    const training = rows.filter(({ split }) => split === "train")
    if (training.length === 0)
      throw new EmbeddingsError(
        `input embeddings: no training picture among the ${rows.length} of ${model}: give model.embed the data set that was trained on as well`,
      )
    const all = byInterest(rows.filter(({ split }) => split === "test"))
    const queries = params.samples === 0 ? all : all.slice(0, params.samples)
    const references = await loadVectors(training, context.blobs)
    const { width, values } = await loadVectors([...queries, ...training.slice(0, 1)], context.blobs)
    const [asked, known] = [unitRows(values, width), unitRows(references.values, width)]
    for (const [q, query] of queries.entries()) {
      context.signal.throwIfAborted()
      const { vectors: _vectors, index: _index, ...judged } = query
      const own = nearest(asked.subarray(q * width, (q + 1) * width), known, params.k)
      for (const [i, { index, similarity }] of own.entries()) {
        const reference = training[index]
        found.push({
          ...judged,
          id: `${query.id}|${String(i + 1).padStart(String(params.k).length, "0")}`,
          rank: i + 1,
          neighbour: reference.sample,
          neighbourImage: reference.image,
          neighbourSet: reference.set,
          neighbourLabel: reference.label,
          similarity,
        })
      }
    }
    context.log(
      `${model}: ${queries.length} of ${all.length} test pictures beside ${training.length} training pictures`,
    )
    context.progress(++done, models.size, model)
  }
  return { neighbours: found }
}) satisfies RunFunction<typeof inputs, typeof outputs, NeighboursParams>

export default neighbours
