import * as tf from "@tensorflow/tfjs"
import { flush } from "./backend.ts"
import { type Images, imageSize, ImagesError } from "./images.ts"
import { argmaxRows } from "./metrics.ts"
import { LAYERS } from "./networks/spec.ts"
import { normalise, type Preprocessing } from "./preprocess.ts"

export interface Predictions {
  readonly count: number
  readonly classes: number
  /** [count, classes], before softmax. */
  readonly logits: Float32Array
  /** [count, classes], rows sum to 1. */
  readonly probabilities: Float32Array
  /** [count]: the class with the largest logit, the first of equals. */
  readonly predicted: Int32Array
  /** [count, dimensions], when asked for: the input of the last layer. */
  readonly embeddings?: Float32Array
}

/** Softmax of each row of a [rows, columns] array, in float64 and safe for any finite logits. */
export const softmaxRows = (logits: ArrayLike<number>, columns: number): Float32Array<ArrayBuffer> => {
  const out = new Float32Array(logits.length)
  for (let row = 0; row < logits.length; row += columns) {
    let top = -Infinity
    for (let c = 0; c < columns; c++) top = Math.max(top, logits[row + c])
    let sum = 0
    for (let c = 0; c < columns; c++) sum += Math.exp(logits[row + c] - top)
    for (let c = 0; c < columns; c++) out[row + c] = Math.exp(logits[row + c] - top) / sum
  }
  return out
}

/** The single tensor a model gave. */
export const tensorOf = (output: ReturnType<tf.LayersModel["apply"]>, index = 0): tf.Tensor => {
  const tensor = Array.isArray(output) ? output[index] : output
  if (tensor instanceof tf.Tensor) return tensor
  throw new TypeError("the model was applied to something symbolic")
}

/**
 * Run a classifier over pictures, in batches that are always full (the last is filled up with black pictures whose
 * results are dropped), so that a tracing backend compiles once. Results do not depend on the batch size beyond
 * rounding.
 * @throws ImagesError when the pictures are not of the size and channels the model takes.
 */
export const predict = (
  model: tf.LayersModel,
  preprocessing: Preprocessing,
  images: Images,
  options: { readonly batchSize?: number; readonly embeddings?: boolean } = {},
): Predictions => {
  const [, height, width, channels] = model.inputs[0].shape
  if (height !== images.height || width !== images.width || channels !== images.channels)
    throw new ImagesError(
      `the model takes ${height}×${width}×${channels} pictures, these are ${images.height}×${images.width}×${images.channels}`,
    )
  const withEmbeddings = options.embeddings === true
  const batchSize = Math.max(1, options.batchSize ?? 64)
  const size = imageSize(images)
  const runner = withEmbeddings
    ? tf.model({
        inputs: model.inputs,
        outputs: [...model.outputs, tensorSymbol(model.getLayer(LAYERS.embedding).output)],
      })
    : model
  const classes = model.outputs[0].shape[1] ?? 0
  const logits = new Float32Array(images.count * classes)
  let embeddings = new Float32Array(0)
  for (let start = 0; start < images.count; start += batchSize) {
    const count = Math.min(batchSize, images.count - start)
    const pixels = new Uint8Array(batchSize * size)
    pixels.set(images.data.subarray(start * size, (start + count) * size))
    const values = normalise({ ...images, data: pixels, count: batchSize }, preprocessing)
    tf.tidy(() => {
      const output = runner.apply(tf.tensor4d(values, [batchSize, images.height, images.width, channels]), {
        training: false,
      })
      const tensors = withEmbeddings ? [tensorOf(output, 0), tensorOf(output, 1)] : [tensorOf(output)]
      flush()
      logits.set(tensors[0].dataSync().subarray(0, count * classes), start * classes)
      if (withEmbeddings) {
        const dimensions = tensors[1].size / batchSize
        if (start === 0) embeddings = new Float32Array(images.count * dimensions)
        embeddings.set(tensors[1].dataSync().subarray(0, count * dimensions), start * dimensions)
      }
    })
  }
  return {
    count: images.count,
    classes,
    logits,
    probabilities: softmaxRows(logits, classes),
    predicted: argmaxRows(logits, classes),
    ...(withEmbeddings ? { embeddings } : {}),
  }
}

const tensorSymbol = (output: tf.SymbolicTensor | Array<tf.SymbolicTensor>): tf.SymbolicTensor =>
  Array.isArray(output) ? output[0] : output
