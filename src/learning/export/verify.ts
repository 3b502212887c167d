import * as tf from "@tensorflow/tfjs"
import { type Images, imagesOf } from "../images.ts"
import type { ModelMeta } from "../model-file.ts"
import { createSession, float32Data, onnxTensor } from "../onnx/session.ts"
import { predict } from "../predict.ts"
import { randomOf } from "../random.ts"
import { ModelExportError } from "./errors.ts"
import type { LayersModelFiles } from "./layers-model.ts"
import { networkInput } from "./onnx-model.ts"
import { PIXELS, type PixelInput } from "./onnx-pixels.ts"

/** The largest difference of a probability from what `predict` gives on the same pictures. */
export interface ExportDifferences {
  readonly onnx: number
  readonly layersModel: number
}

/** Beyond this a file is wrong; rounding alone gives about 1e-6. */
const LIMIT = 1e-4

/** Two pictures of blotches and noise; what they show doesn't matter. */
const samples = (size: number, channels: 1 | 3): Images => {
  const random = randomOf("export", size, channels)
  const data = Uint8Array.from(
    { length: 2 * size * size * channels },
    (_, i) => 40 + ((i >> 4) % 9) * 16 + random.below(80),
  )
  return imagesOf(data, { height: size, width: size, channels })
}

const channelsFirst = ({ data, count, height, width, channels }: Images): Uint8Array => {
  const out = new Uint8Array(data.length)
  const pixels = height * width
  for (let i = 0; i < count; i++)
    for (let p = 0; p < pixels; p++)
      for (let c = 0; c < channels; c++)
        out[(i * channels + c) * pixels + p] = data[(i * pixels + p) * channels + c]
  return out
}

const runOnnx = (bytes: Uint8Array, images: Images, { type, layout }: PixelInput): Float32Array => {
  const { count, height, width, channels } = images
  const values = layout === "nhwc" ? images.data : channelsFirst(images)
  const dims = layout === "nhwc" ? [count, height, width, channels] : [count, channels, height, width]
  const pixels =
    type === "uint8"
      ? onnxTensor("uint8", values, dims)
      : onnxTensor("float32", Float32Array.from(values), dims)
  const session = createSession(bytes)
  try {
    return float32Data(session.run({ [PIXELS]: pixels })["probabilities"])
  } finally {
    session.dispose()
  }
}

/** What gives `tf.loadLayersModel` the files from memory. */
const sourceOf = (files: LayersModelFiles): tf.io.IOHandler => {
  // Written by exportLayersModel: the fields of a ModelJSON are there.
  const { modelTopology, weightsManifest } = JSON.parse(
    new TextDecoder().decode(files["model.json"]),
  ) as tf.io.ModelJSON
  return tf.io.fromMemory({
    modelTopology,
    weightSpecs: weightsManifest[0].weights,
    weightData: files["weights.bin"].slice().buffer,
  })
}

const farthest = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
  if (a.length !== b.length) return Infinity
  let most = 0
  for (let i = 0; i < b.length; i++) {
    const apart = Math.abs(a[i] - b[i])
    if (!(apart <= most)) most = Number.isNaN(apart) ? Infinity : apart
  }
  return most
}

/**
 * Runs both files on two made-up pictures beside `predict`.
 * @throws ModelExportError where a probability differs by more than 1e-4; OnnxRuntimeError where the file doesn't load.
 */
export const verifyExports = async (
  model: tf.LayersModel,
  meta: ModelMeta,
  onnx: Uint8Array,
  layersModel: LayersModelFiles,
  pixels: PixelInput,
): Promise<ExportDifferences> => {
  const { size, channels } = networkInput(model, meta)
  const images = samples(size, channels)
  const { probabilities } = predict(model, meta.preprocessing, images, { batchSize: 2 })
  const loaded = await tf.loadLayersModel(sourceOf(layersModel))
  const given = tf.tidy(() => {
    const outputs = loaded.predict(tf.tensor4d(Float32Array.from(images.data), [2, size, size, channels]))
    return Array.isArray(outputs) ? outputs[1].dataSync() : outputs.dataSync()
  })
  loaded.dispose()
  const differences = {
    onnx: farthest(runOnnx(onnx, images, pixels), probabilities),
    layersModel: farthest(given, probabilities),
  }
  for (const [form, apart] of Object.entries(differences))
    if (apart > LIMIT)
      throw new ModelExportError(
        `the ${form} file gives a probability that differs by ${apart.toPrecision(2)} from the model's own: please report this with the model`,
      )
  return differences
}
