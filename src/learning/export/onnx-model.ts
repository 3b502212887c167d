import * as tf from "@tensorflow/tfjs"
import type { ModelMeta } from "../model-file.ts"
import { LAYERS } from "../networks/spec.ts"
import { OnnxGraph } from "../onnx/graph.ts"
import { ModelExportError } from "./errors.ts"
import { LayerCall } from "./layer-call.ts"
import { lowerLayer } from "./onnx-layers.ts"
import { addPixels, type PixelInput } from "./onnx-pixels.ts"

/** Side and channels of the pictures a network takes. */
export interface NetworkInput {
  readonly size: number
  readonly channels: 1 | 3
}

/**
 * What a classifier of pictures takes.
 * @throws ModelExportError for a model with several inputs or outputs, of another rank, or without a fixed size.
 */
export const networkInput = (model: tf.LayersModel, meta: ModelMeta): NetworkInput => {
  if (model.inputs.length !== 1 || model.outputs.length !== 1)
    throw new ModelExportError(
      `the model has ${model.inputs.length} inputs and ${model.outputs.length} outputs: a classifier of pictures has one each`,
    )
  const [, height, width, channels] = model.inputs[0].shape
  if (typeof height !== "number" || height !== width || (channels !== 1 && channels !== 3))
    throw new ModelExportError(
      `the model takes [${model.inputs[0].shape.join(", ")}]: square pictures of a fixed size with 1 or 3 channels can be exported`,
    )
  const { mean, std } = meta.preprocessing
  if (mean.length !== channels || std.length !== channels)
    throw new ModelExportError(
      `normalisation for ${mean.length} channel(s), a model with ${channels}: one of them is of another model`,
    )
  const outputs = model.outputs[0].shape
  if (outputs.length !== 2 || outputs[1] !== meta.classNames.length)
    throw new ModelExportError(
      `the model gives [${outputs.join(", ")}], but there are ${meta.classNames.length} class names`,
    )
  return { size: height, channels }
}

/** The symbol of the embedding, where the model has one. */
export const embeddingOf = (model: tf.LayersModel): tf.SymbolicTensor | undefined => {
  const layer = model.layers.find(({ name }) => name === LAYERS.embedding)
  if (layer === undefined) return undefined
  const given = layer.getOutputAt(0)
  const output = Array.isArray(given) ? given[0] : given
  return output.shape.length === 2 ? output : undefined
}

/** Adds the layers that `symbol` needs, each once, and returns the name of its value. */
const walker = (graph: OnnxGraph, values: Map<number, string>) => {
  const visit = (symbol: tf.SymbolicTensor): string => {
    const known = values.get(symbol.id)
    if (known !== undefined) return known
    const inputs = symbol.inputs.map(visit)
    const value = lowerLayer(
      new LayerCall(
        graph,
        symbol.sourceLayer,
        inputs,
        symbol.inputs.map(({ shape }) => shape),
      ),
    )
    values.set(symbol.id, value)
    return value
  }
  return visit
}

export interface OnnxModelOptions {
  /** What consumers feed. Default: bytes, [batch, height, width, channels]. */
  readonly pixels?: PixelInput
  /** Version of the program that writes it. */
  readonly producerVersion?: string
  /** Goes into the file's `metadata_props`, besides class names and preprocessing. */
  readonly metadata?: Readonly<Record<string, string>>
}

/** What consumers feed unless they ask for something else. */
export const DEFAULT_PIXELS: PixelInput = { type: "uint8", layout: "nhwc" }

/**
 * A trained classifier as the bytes of an .onnx file: standard operators only, any batch size, everything from pixels
 * to probabilities inside, class names in the metadata (`classes`, a JSON array) and in the outputs' descriptions.
 * Outputs: `logits`, `probabilities` [batch, classes] and, of our networks, `embedding` [batch, dimensions].
 * Equal models give equal bytes.
 * @throws ModelExportError for a layer without a counterpart (named), or a model that is no classifier of pictures.
 */
export const exportOnnx = (
  model: tf.LayersModel,
  meta: ModelMeta,
  { pixels = DEFAULT_PIXELS, producerVersion, metadata = {} }: OnnxModelOptions = {},
): Uint8Array<ArrayBuffer> => {
  const { size, channels } = networkInput(model, meta)
  const graph = new OnnxGraph(model.name)
  const input = addPixels(graph, pixels, meta.preprocessing, { size, channels })
  const visit = walker(graph, new Map([[model.inputs[0].id, input]]))
  const named = (value: string, name: string): string =>
    graph.node("Identity", [value], {}, { names: [name], label: `output_${name}` })

  const classes = meta.classNames.join(", ")
  const count = meta.classNames.length
  const logits = named(visit(model.outputs[0]), "logits")
  const probabilities = graph.node("Softmax", [logits], { axis: 1 }, { names: ["probabilities"] })
  graph.output(logits, "float32", ["batch", count], `Before softmax, of ${classes}.`)
  graph.output(probabilities, "float32", ["batch", count], `Of ${classes}; each row sums to 1.`)
  const embedding = embeddingOf(model)
  if (embedding !== undefined)
    graph.output(
      named(visit(embedding), "embedding"),
      "float32",
      ["batch", embedding.shape[1] ?? "dimensions"],
      "What the last layer sees of a picture; alike pictures are near each other.",
    )
  return graph.toBytes({
    ...(producerVersion === undefined ? {} : { producerVersion }),
    doc: `Classifier of pictures: ${classes}. Feed pixels 0 to 255; preprocessing is inside.`,
    metadata: [
      ["classes", JSON.stringify(meta.classNames)],
      ["preprocessing", JSON.stringify({ size, channels, ...meta.preprocessing, inside: true })],
      ...(meta.network === undefined ? [] : [["network", JSON.stringify(meta.network)] as const]),
      // As the ONNX standard names what is said of pictures (docs/MetadataProps.md).
      ["Image.BitmapPixelFormat", "Rgb8"],
      ["Image.ColorSpaceGamma", "SRGB"],
      ["Image.NominalPixelRange", "NominalRange_0_255"],
      ...Object.entries(metadata),
    ],
  })
}
