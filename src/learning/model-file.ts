import * as tf from "@tensorflow/tfjs"
import type { NetworkSpec } from "./networks/spec.ts"
import type { Preprocessing } from "./preprocess.ts"
import { readSafetensors, type SafetensorsTensor, writeSafetensors } from "./safetensors.ts"

/** What must travel with the weights for a model to be used rightly. */
export interface ModelMeta {
  readonly classNames: ReadonlyArray<string>
  readonly preprocessing: Preprocessing
  /** How the network was built, where it is one of ours. */
  readonly network?: NetworkSpec | undefined
  /** Anything else a reader may want (training parameters, figures): plain JSON. */
  readonly notes?: Readonly<Record<string, unknown>> | undefined
}

/** The bytes are not a model file of this project, or are damaged. */
export class ModelFileError extends Error {
  readonly _tag = "ModelFileError"
  override readonly name = "ModelFileError"
}

const FORMAT = "facet-model-1"

/** JSON with the keys of every object sorted, so that equal content gives equal bytes. */
const canonical = (value: unknown): string =>
  JSON.stringify(value, (_key, item: unknown) =>
    typeof item === "object" && item !== null && !Array.isArray(item)
      ? Object.fromEntries(Object.entries(item).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : item,
  )

/** Every weight under "layer/role", in the model's order; free of the counters tfjs adds to repeated names. */
const namedWeights = (model: tf.LayersModel): Array<readonly [string, tf.Tensor]> =>
  model.layers.flatMap((layer) => {
    const values = layer.getWeights()
    return layer.weights.map(
      (weight, i) => [`${layer.name}/${weight.originalName.split("/").at(-1)}`, values[i]] as const,
    )
  })

/**
 * One self-contained file: a safetensors container with the weights as float32 under "layer/role" (tfjs layouts:
 * kernels HWIO) and, in its metadata, the tfjs LayersModel topology, class names, normalisation and network spec as
 * JSON. Equal models give equal bytes.
 */
export const encodeModel = (model: tf.LayersModel, meta: ModelMeta): Uint8Array => {
  const tensors = new Map<string, SafetensorsTensor>()
  for (const [name, weight] of namedWeights(model))
    tensors.set(name, { dtype: "F32", shape: weight.shape, data: Float32Array.from(weight.dataSync()) })
  return writeSafetensors(tensors, {
    format: FORMAT,
    topology: canonical(model.toJSON(null, false)),
    meta: canonical(meta),
  })
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

const isNumbers = (value: unknown): value is Array<number> =>
  Array.isArray(value) && value.every((v) => typeof v === "number" && Number.isFinite(v))

const isMeta = (value: unknown): value is ModelMeta =>
  isRecord(value) &&
  Array.isArray(value["classNames"]) &&
  value["classNames"].every((name) => typeof name === "string") &&
  isRecord(value["preprocessing"]) &&
  isNumbers(value["preprocessing"]["mean"]) &&
  isNumbers(value["preprocessing"]["std"])

const parse = (text: string | undefined, what: string): unknown => {
  if (text === undefined) throw new ModelFileError(`model file: ${what} is missing`)
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new ModelFileError(`model file: ${what} is not JSON: ${String(error)}`)
  }
}

/** Class names and the rest, without building the network. */
export const readModelMeta = (bytes: Uint8Array): ModelMeta => metaOf(readSafetensors(bytes).metadata)

const metaOf = (metadata: Readonly<Record<string, string>>): ModelMeta => {
  if (metadata["format"] !== FORMAT)
    throw new ModelFileError(
      `model file: format "${metadata["format"] ?? "none"}", this program reads "${FORMAT}"`,
    )
  const meta = parse(metadata["meta"], "its description")
  if (!isMeta(meta))
    throw new ModelFileError("model file: class names or normalisation are missing or mistyped")
  return meta
}

/**
 * Build the model of a file made by `encodeModel`; its outputs equal those of the model that was saved.
 * @throws SafetensorsError for a damaged container; ModelFileError for another format, a topology tfjs cannot
 * build, or weights that don't fit it.
 */
export const decodeModel = async (bytes: Uint8Array): Promise<{ model: tf.LayersModel; meta: ModelMeta }> => {
  const { tensors, metadata } = readSafetensors(bytes)
  const meta = metaOf(metadata)
  const topology = parse(metadata["topology"], "the topology")
  if (!isRecord(topology)) throw new ModelFileError("model file: the topology is no object")
  let model: tf.LayersModel
  try {
    model = await tf.loadLayersModel(tf.io.fromMemory({ modelTopology: topology }))
  } catch (error) {
    throw new ModelFileError(`model file: tfjs cannot build the topology: ${String(error)}`)
  }
  loadWeights(model, tensors)
  return { model, meta }
}

const loadWeights = (model: tf.LayersModel, tensors: ReadonlyMap<string, SafetensorsTensor>): void => {
  const unused = new Set(tensors.keys())
  tf.tidy(() => {
    const values = namedWeights(model).map(([name, weight]) => {
      const stored = tensors.get(name)
      if (stored === undefined) throw new ModelFileError(`model file: weight "${name}" is missing`)
      if (!(stored.data instanceof Float32Array) || stored.shape.join() !== weight.shape.join())
        throw new ModelFileError(
          `model file: weight "${name}" is ${stored.dtype} [${stored.shape.join(", ")}], expected F32 [${weight.shape.join(", ")}]`,
        )
      unused.delete(name)
      return tf.tensor(stored.data, weight.shape)
    })
    let next = 0
    for (const layer of model.layers) {
      const own = layer.weights.length
      if (own > 0) layer.setWeights(values.slice(next, next + own))
      next += own
    }
  })
  if (unused.size > 0) throw new ModelFileError(`model file: weights of no layer: ${[...unused].join(", ")}`)
}
