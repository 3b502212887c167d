import { principalComponents } from "../../learning/embedding/pca.ts"
import { trustworthiness } from "../../learning/embedding/trustworthiness.ts"
import { tsne } from "../../learning/embedding/tsne.ts"
import type { RunFunction } from "../../runtime/node.ts"
import { digestOf } from "../../schema/digest.ts"
import type { Json } from "../../schema/json.ts"
import type { Embedded, MapPoint } from "./inside-types.ts"
import type { inputs, MapParams, outputs } from "./map.ts"
import { byModel, EmbeddingsError, loadVectors } from "./vectors.ts"

/** Neighbours that the figure of trust looks at; as in the authors' examples. */
const TRUSTED = 12

/** `limit` rows at most, evenly by class where there are enough, those with the smallest digests of their ids; by id. */
export const evenly = (rows: ReadonlyArray<Embedded>, limit: number): ReadonlyArray<Embedded> => {
  const turns = new Map<string, number>()
  return rows
    .map((row) => ({ row, rank: digestOf(row.sample) }))
    .toSorted((a, b) => (a.rank < b.rank ? -1 : a.rank > b.rank ? 1 : a.row.id < b.row.id ? -1 : 1))
    .map(({ row, rank }) => {
      const turn = turns.get(row.label) ?? 0
      turns.set(row.label, turn + 1)
      return { row, rank, turn }
    })
    .toSorted((a, b) => a.turn - b.turn || (a.rank < b.rank ? -1 : 1))
    .slice(0, limit)
    .map(({ row }) => row)
    .toSorted((a, b) => (a.id < b.id ? -1 : 1))
}

/** Lays each model's samples out on a plane of its own. */
const map = (async ({ inputs, params, context }) => {
  const points: Array<MapPoint> = []
  const quality: Record<string, Json> = {}
  const models = byModel(await inputs.embeddings.all())
  let done = 0
  for (const [model, rows] of models) {
    const of = (split: Embedded["split"], limit: number): ReadonlyArray<Embedded> =>
      evenly(
        rows.filter((row) => row.split === split),
        limit,
      )
    const shown = [...of("test", params.test), ...of("train", params.train)]
    if (shown.length < 4)
      throw new EmbeddingsError(
        `input embeddings: ${shown.length} pictures of ${model}, test and training together: a map needs 4`,
      )
    const { values, width } = await loadVectors(shown, context.blobs)
    const space = principalComponents(values, width, params.method === "pca" ? 2 : params.dimensions)
    const plane = Float64Array.from({ length: 2 * shown.length }, (_, i) =>
      i % 2 < space.dimensions ? space.points[(i >> 1) * space.dimensions + (i % 2)] : 0,
    )
    const laid =
      params.method === "pca"
        ? undefined
        : await tsne({
            points: space.points,
            count: shown.length,
            start: plane,
            perplexity: params.perplexity,
            iterations: params.iterations,
            seed: context.seed,
            signal: context.signal,
            onProgress: (step) =>
              context.progress(done * params.iterations + step, models.size * params.iterations, model),
          })
    const places = laid?.points ?? plane
    const trust = trustworthiness(values, places, shown.length, TRUSTED)
    quality[model] = {
      points: shown.length,
      dimensions: width,
      components: space.dimensions,
      explained: space.shares.reduce((sum, share) => sum + share, 0),
      ...(laid === undefined ? {} : { perplexity: laid.perplexity, divergence: laid.divergence }),
      ...(Number.isNaN(trust) ? {} : { trustworthiness: trust }),
    }
    for (const [i, { vectors: _vectors, index: _index, ...judged }] of shown.entries())
      points.push({ ...judged, x: places[2 * i], y: places[2 * i + 1] })
    context.log(
      `${model}: ${shown.length} pictures, ${width} dimensions to ${space.dimensions} to 2, trustworthiness ${trust.toFixed(3)}`,
    )
    done++
  }
  return { map: points, quality }
}) satisfies RunFunction<typeof inputs, typeof outputs, MapParams>

export default map
