import type * as tf from "@tensorflow/tfjs"
import { type Images, selectImages } from "../../learning/images.ts"
import { predict } from "../../learning/predict.ts"
import { type CamMethod, gradCam } from "../../learning/visualize/gradcam.ts"
import { overlayHeat } from "../../learning/visualize/overlay.ts"
import type { NodeContext } from "../../runtime/node.ts"
import type { BlobRef } from "../../schema/blob.ts"
import { digestOf } from "../../schema/digest.ts"
import type { Sample } from "../../schema/sample.ts"
import { loadPictures } from "./pictures.ts"
import { storePictures } from "./store-pictures.ts"
import type { AttentionPicture, ModelValue } from "./types.ts"

type Row = Sample & { readonly label: string }

/** Samples judged per class, of which the ones shown are taken. */
const JUDGED = 24

/**
 * Up to `perClass` rows of each class, chosen by the digests of their ids; rows that were not trained on come
 * first.
 */
export const candidates = (
  rows: ReadonlyArray<Row>,
  classes: ReadonlyArray<string>,
  perClass = JUDGED,
): ReadonlyArray<Row> =>
  classes.flatMap((label) =>
    rows
      .filter((row) => row.label === label && row.copy === undefined)
      .map((row) => ({ row, seen: row.split === "train" ? 1 : 0, rank: digestOf(row.id) }))
      .toSorted((a, b) => a.seen - b.seen || (a.rank < b.rank ? -1 : 1))
      .slice(0, perClass)
      .map(({ row }) => row),
  )

/**
 * Of each class the first `right` rows judged rightly and the surest mistake, by index.
 * @param probabilities [rows, classes]
 */
export const choose = (
  rows: ReadonlyArray<Row>,
  classes: ReadonlyArray<string>,
  predicted: ArrayLike<number>,
  probabilities: ArrayLike<number>,
  right: number,
): ReadonlyArray<number> =>
  classes.flatMap((label, c) => {
    const own = rows.flatMap((row, i) => (row.label === label ? [i] : []))
    const sure = (i: number): number => probabilities[i * classes.length + predicted[i]]
    const [worst] = own.filter((i) => predicted[i] !== c).toSorted((a, b) => sure(b) - sure(a) || a - b)
    return [...own.filter((i) => predicted[i] === c).slice(0, right), ...(worst === undefined ? [] : [worst])]
  })

/** Grad-CAM of some of the samples, right and wrong ones; both the picture and the overlay have `size` pixels a side. */
export const attentionOf = async (
  name: string,
  model: tf.LayersModel,
  value: ModelValue,
  judged: ReadonlyArray<Row>,
  inputs: Images,
  options: { readonly right: number; readonly size: number; readonly methods: ReadonlyArray<CamMethod> },
  context: NodeContext,
): Promise<ReadonlyArray<AttentionPicture>> => {
  const { classes, preprocessing } = value
  if (judged.length === 0) return []
  const { predicted, probabilities } = predict(model, preprocessing, inputs)
  const chosen = choose(judged, classes, predicted, probabilities, options.right)
  if (chosen.length === 0) return []
  const shown = chosen.map((i) => judged[i])
  const large = await loadPictures(shown, { size: options.size, channels: 3 }, context)
  const plain = await storePictures(large, context.blobs)
  const warm: Array<{ readonly method: CamMethod; readonly refs: ReadonlyArray<BlobRef> }> = []
  for (const method of options.methods) {
    const heat = gradCam({
      model,
      preprocessing,
      images: selectImages(inputs, chosen),
      classes: chosen.map((i) => predicted[i]),
      method,
    })
    warm.push({ method, refs: await storePictures(overlayHeat(large, heat), context.blobs) })
  }
  return chosen.map((i, k) => ({
    model: name,
    sample: judged[i].id,
    label: judged[i].label,
    predicted: classes[predicted[i]],
    probability: probabilities[i * classes.length + predicted[i]],
    input: plain[k],
    overlays: warm.map(({ method, refs }) => ({ method, image: refs[k] })),
  }))
}
