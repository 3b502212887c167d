import * as tf from "@tensorflow/tfjs"
import type { ModelMeta } from "../model-file.ts"
import { connect } from "../networks/layers.ts"
import { type Preprocessing, SOFTENING } from "../preprocess.ts"
import { ModelExportError } from "./errors.ts"
import { embeddingOf, type NetworkInput, networkInput } from "./onnx-model.ts"

/** The files of a model as `tf.loadLayersModel` reads them. */
export interface LayersModelFiles {
  readonly "model.json": Uint8Array
  readonly "weights.bin": Uint8Array
}

/**
 * Softening of a picture's deviation, without a layer of one's own: for centred values v and their deviation s,
 * layer normalisation gives u = v / s; the mean of v·u is s; softsign(s / c) = s / (c + s); so u · softsign(s / c) =
 * v / (s + c).
 */
const normaliseEach = (x: tf.SymbolicTensor, { size, channels }: NetworkInput): tf.SymbolicTensor => {
  const meanOf = (name: string, values: tf.SymbolicTensor): tf.SymbolicTensor => {
    const row = tf.layers.reshape({ name: `${name}_row`, targetShape: [size * size * channels, 1] })
    return connect(tf.layers.globalAveragePooling1d({ name }), connect(row, values))
  }
  const scaled = (name: string, scale: number, value: tf.SymbolicTensor): tf.SymbolicTensor =>
    connect(tf.layers.rescaling({ name, scale }), value)
  const everywhere = (name: string, value: tf.SymbolicTensor): tf.SymbolicTensor =>
    connect(tf.layers.reshape({ name, targetShape: [1, 1, 1] }), value)

  const minusMean = scaled("pixels_minus_mean", -1, meanOf("pixels_mean", x))
  const centred = connect(tf.layers.add({ name: "pixels_centred" }), [
    x,
    everywhere("pixels_shift", minusMean),
  ])
  const unit = connect(
    // The variance of bytes that differ at all is 4e-6 or more at 512 pixels a side.
    tf.layers.layerNormalization({
      name: "pixels_unit",
      axis: [1, 2, 3],
      epsilon: 1e-12,
      center: false,
      scale: false,
    }),
    centred,
  )
  const product = connect(tf.layers.multiply({ name: "pixels_product" }), [centred, unit])
  const ratio = scaled("pixels_ratio", 1 / (SOFTENING * 255), meanOf("pixels_deviation", product))
  const softened = connect(tf.layers.activation({ name: "pixels_softened", activation: "softsign" }), ratio)
  return connect(tf.layers.multiply({ name: "pixels_normalised" }), [
    unit,
    everywhere("pixels_scale", softened),
  ])
}

/** (x − mean) / std per channel, as a batch normalisation with these for running averages. */
const normaliseChannels = (x: tf.SymbolicTensor, { mean, std }: Preprocessing): tf.SymbolicTensor => {
  const layer = tf.layers.batchNormalization({
    name: "pixels_normalised",
    epsilon: 0,
    center: false,
    scale: false,
    trainable: false,
  })
  const normalised = connect(layer, x)
  tf.tidy(() =>
    layer.setWeights([tf.tensor1d(mean.map((m) => m * 255)), tf.tensor1d(std.map((s) => (s * 255) ** 2))]),
  )
  return normalised
}

/**
 * The classifier with its preprocessing in front and softmax behind, of tfjs' own layers only: takes pixels 0 … 255
 * [batch, size, size, channels] (int32 or float32), gives `logits`, `probabilities` and, of our networks,
 * `embedding`. A model of its own: `original` stays as it is.
 * @throws ModelExportError for a model that is no classifier of pictures.
 */
export const withPixels = async (original: tf.LayersModel, meta: ModelMeta): Promise<tf.LayersModel> => {
  const given = networkInput(original, meta)
  const modelTopology = { model_config: original.toJSON(null, false) }
  const model = await tf.loadLayersModel(tf.io.fromMemory({ modelTopology }))
  model.setWeights(original.getWeights())
  const input = tf.input({ shape: [given.size, given.size, given.channels], name: "pixels" })
  const pixels = connect(tf.layers.rescaling({ name: "pixels_float", scale: 1 }), input)
  const { preprocessing } = meta
  const start =
    preprocessing.perPicture === true
      ? normaliseEach(pixels, given)
      : normaliseChannels(pixels, preprocessing)
  const values = new Map<number, tf.SymbolicTensor>([[model.inputs[0].id, start]])
  const visit = (symbol: tf.SymbolicTensor): tf.SymbolicTensor => {
    const known = values.get(symbol.id)
    if (known !== undefined) return known
    const inputs = symbol.inputs.map(visit)
    const value = connect(symbol.sourceLayer, inputs.length === 1 ? inputs[0] : inputs)
    values.set(symbol.id, value)
    return value
  }
  const logits = visit(model.outputs[0])
  const probabilities = connect(tf.layers.softmax({ name: "probabilities" }), logits)
  const embedding = embeddingOf(model)
  return tf.model({
    name: model.name,
    inputs: input,
    outputs: [logits, probabilities, ...(embedding === undefined ? [] : [visit(embedding)])],
  })
}

const bytesOf = (data: tf.io.WeightData | undefined): Uint8Array => {
  if (data instanceof ArrayBuffer) return new Uint8Array(data)
  throw new ModelExportError("tfjs gave the weights in a form that is not known here")
}

/**
 * A trained classifier as the files of a tfjs LayersModel; see `withPixels`. `metadata` and the class names become
 * its user-defined metadata. Equal models give equal bytes.
 * @throws ModelExportError for a model that is no classifier of pictures.
 */
export const exportLayersModel = async (
  model: tf.LayersModel,
  meta: ModelMeta,
  metadata: Readonly<Record<string, string>> = {},
): Promise<LayersModelFiles> => {
  const whole = await withPixels(model, meta)
  whole.setUserDefinedMetadata({
    classes: meta.classNames,
    preprocessing: { ...networkInput(model, meta), ...meta.preprocessing, inside: true },
    ...(meta.network === undefined ? {} : { network: meta.network }),
    ...metadata,
  })
  const saved: Array<tf.io.ModelArtifacts> = []
  await whole.save(
    tf.io.withSaveHandler((artifacts) => {
      saved.push(artifacts)
      return Promise.resolve({
        modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: "JSON" },
      })
    }),
  )
  whole.dispose()
  const [{ modelTopology, weightSpecs, weightData, format, generatedBy, userDefinedMetadata }] = saved
  const description = {
    format,
    generatedBy,
    convertedBy: null,
    modelTopology,
    weightsManifest: [{ paths: ["weights.bin"], weights: weightSpecs }],
    userDefinedMetadata,
  }
  return {
    "model.json": new TextEncoder().encode(JSON.stringify(description)),
    "weights.bin": bytesOf(weightData),
  }
}
