import { useBackend } from "../../learning/backend.ts"
import { decodeModel } from "../../learning/model-file.ts"
import { predict } from "../../learning/predict.ts"
import { writeSafetensors } from "../../learning/safetensors.ts"
import type { RunFunction } from "../../runtime/node.ts"
import { digestOf } from "../../schema/digest.ts"
import type { Sample } from "../../schema/sample.ts"
import type { EmbedParams, inputs, outputs } from "./embed.ts"
import type { Embedded } from "./inside-types.ts"
import { loadPictures } from "./pictures.ts"
import { classesOf, DatasetError } from "./training-set.ts"

type Row = Sample & { readonly label: string }

/** Rows of one set, by id. */
interface Part {
  readonly set: string
  readonly rows: ReadonlyArray<Row>
}

/** A sample that no split was made for was never trained on. */
const splitOf = (row: Row): Embedded["split"] => row.split ?? "test"

/**
 * Original rows by set, each sample once; at most `perClass` of each class and split (0 = all), those with the
 * smallest digests of their ids.
 */
export const partsOf = (rows: ReadonlyArray<Row>, perClass: number): ReadonlyArray<Part> => {
  const sets = new Map<string, Map<string, Row>>()
  for (const row of rows) {
    if (row.copy !== undefined) continue
    const members = sets.get(row.set) ?? new Map<string, Row>()
    sets.set(row.set, members)
    if (!members.has(row.id)) members.set(row.id, row)
  }
  return [...sets]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([set, members]) => {
      const taken = new Map<string, number>()
      const ranked = [...members.values()]
        .map((row) => ({ row, rank: perClass === 0 ? "" : digestOf(row.id) }))
        .toSorted((a, b) => (a.rank < b.rank ? -1 : a.rank > b.rank ? 1 : 0))
      const kept = ranked.filter(({ row }) => {
        const kind = `${splitOf(row)} ${row.label}`
        const before = taken.get(kind) ?? 0
        taken.set(kind, before + 1)
        return perClass === 0 || before < perClass
      })
      return { set, rows: kept.map(({ row }) => row).toSorted((a, b) => (a.id < b.id ? -1 : 1)) }
    })
}

/** Embeds every set with every model. */
const embed = (async ({ inputs, params, context }) => {
  if (inputs.models.length === 0) throw new DatasetError("input models: no model to embed with")
  const tables = await Promise.all(inputs.sets.map(({ value }) => value.all()))
  const parts = partsOf(tables.flat(), params.perClass)
  if (parts.length === 0) throw new DatasetError("input sets: no rows to embed")
  const engine = await useBackend(params.backend === "auto" ? "onnx" : params.backend, {
    threads: params.threads,
  })
  context.log(engine.text)
  const embeddings: Array<Embedded> = []
  let done = 0
  for (const { node: model, value } of inputs.models) {
    const decoded = await decodeModel(await context.blobs.get(value.weights))
    try {
      for (const { set, rows } of parts) {
        classesOf(rows, value.classes)
        const images = await loadPictures(rows, value.preprocessing, context)
        const judged = predict(decoded.model, value.preprocessing, images, {
          batchSize: params.batch,
          embeddings: true,
        })
        const data = judged.embeddings ?? new Float32Array(0)
        const dimensions = data.length / rows.length
        const file = writeSafetensors(
          new Map([["embeddings", { dtype: "F32" as const, shape: [rows.length, dimensions], data }]]),
          { model, set },
        )
        const vectors = await context.blobs.put(file, "application/octet-stream")
        for (const [index, row] of rows.entries()) {
          const predicted = judged.predicted[index]
          embeddings.push({
            id: `${model}|${set}|${row.id}`,
            sample: row.id,
            image: row.image,
            model,
            set,
            split: splitOf(row),
            label: row.label,
            predicted: value.classes[predicted],
            probability: judged.probabilities[index * value.classes.length + predicted],
            vectors,
            index,
          })
        }
        context.log(`${model}: ${rows.length} pictures of ${set} in ${dimensions} dimensions`)
        context.progress(++done, parts.length * inputs.models.length, `${model}, ${set}`)
      }
    } finally {
      decoded.model.dispose()
    }
  }
  return { embeddings }
}) satisfies RunFunction<typeof inputs, typeof outputs, EmbedParams>

export default embed
