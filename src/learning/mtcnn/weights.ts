import * as tf from "@tensorflow/tfjs"
import { readSafetensors, type SafetensorsTensor, writeSafetensors } from "../safetensors.ts"
import { buildMtcnnNet, type MtcnnNet } from "./nets.ts"

/** The file holds no weights of this network, or of other shapes. */
export class MtcnnWeightsError extends Error {
  readonly _tag = "MtcnnWeightsError"
  override readonly name = "MtcnnWeightsError"
}

/** Side of the maps that are flattened before the first fully connected layer: 3×3 in R-Net and in O-Net. */
const FLAT_SIDE = 3

/** Row `(x·3 + y)·C + c` of the published layout for row `(y·3 + x)·C + c` of tfjs: x and y change places. */
const publishedRow = (row: number, channels: number): number => {
  const c = row % channels
  const x = Math.floor(row / channels) % FLAT_SIDE
  const y = Math.floor(row / channels / FLAT_SIDE)
  return (x * FLAT_SIDE + y) * channels + c
}

/**
 * Where the value at each place of a published tensor stands in the tfjs weight: convolutions OIHW → HWIO, fully
 * connected [out, in] → [in, out] with the permutation after flattening, everything else as it is.
 */
const sourceIndex = (
  layer: string,
  shape: ReadonlyArray<number>,
  flattened: boolean,
): ((published: number) => number) => {
  if (shape.length === 4) {
    const [h, w, i, o] = shape
    return (k) => {
      const x = k % w
      const y = Math.floor(k / w) % h
      const input = Math.floor(k / (w * h)) % i
      return ((y * w + x) * i + input) * o + Math.floor(k / (w * h * i))
    }
  }
  if (shape.length === 2 && layer.startsWith("dense")) {
    const [rows, columns] = shape
    const channels = rows / FLAT_SIDE ** 2
    const place = Uint32Array.from({ length: rows }, (_, r) => r)
    if (flattened) for (let r = 0; r < rows; r++) place[publishedRow(r, channels)] = r
    return (k) => place[k % rows] * columns + Math.floor(k / rows)
  }
  return (k) => k
}

interface Slot {
  /** Name in the file: "rnet.conv1.weight". */
  readonly name: string
  /** Shape in the file. */
  readonly shape: ReadonlyArray<number>
  readonly weight: tf.Tensor
  readonly from: (published: number) => number
}

/** The weights of a network under their published names, layer by layer in the model's order. */
const slots = (net: MtcnnNet, model: tf.LayersModel): Array<Array<Slot>> =>
  model.layers.map((layer, position) => {
    const flattened = model.layers[position - 1]?.name === "flatten"
    return layer.getWeights().map((weight, i): Slot => {
      const shape = weight.shape
      const role = i === 0 ? "weight" : "bias"
      const published =
        shape.length === 4
          ? [shape[3], shape[2], shape[0], shape[1]]
          : shape.length === 2
            ? [shape[1], shape[0]]
            : [weight.size]
      return {
        name: `${net}.${layer.name}.${role}`,
        shape: published,
        weight,
        from: sourceIndex(layer.name, shape, flattened),
      }
    })
  })

/**
 * Weights as safetensors under the published names and layouts (convolutions OIHW, fully connected [out, in] with
 * the flattening x, y, channel; PReLU [channels]): what the detector reads, whoever trained them.
 */
export const exportMtcnnWeights = (
  net: MtcnnNet,
  model: tf.LayersModel,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array => {
  const tensors = new Map<string, SafetensorsTensor>()
  for (const { name, shape, weight, from } of slots(net, model).flat()) {
    const values = weight.dataSync()
    tensors.set(name, {
      dtype: "F32",
      shape,
      data: Float32Array.from({ length: weight.size }, (_, k) => values[from(k)]),
    })
  }
  return writeSafetensors(tensors, metadata)
}

/**
 * Build a network and give it published weights.
 * @param size as for `buildMtcnnNet`.
 * @throws SafetensorsError for a damaged file; MtcnnWeightsError when a tensor is missing or has another shape.
 */
export const importMtcnnWeights = (
  net: MtcnnNet,
  bytes: Uint8Array,
  size?: number | null,
): tf.LayersModel => {
  const { tensors } = readSafetensors(bytes)
  const model = size === undefined ? buildMtcnnNet(net) : buildMtcnnNet(net, 0, size)
  const all = slots(net, model)
  for (const [index, layer] of model.layers.entries())
    tf.tidy(() =>
      layer.setWeights(
        all[index].map(({ name, shape, weight, from }) => {
          const stored = tensors.get(name)
          if (stored === undefined) throw new MtcnnWeightsError(`no tensor "${name}" in this file`)
          if (!(stored.data instanceof Float32Array) || stored.shape.join() !== shape.join())
            throw new MtcnnWeightsError(
              `tensor "${name}" is ${stored.dtype} [${stored.shape.join(", ")}], expected F32 [${shape.join(", ")}]`,
            )
          const values = new Float32Array(weight.size)
          for (let k = 0; k < values.length; k++) values[from(k)] = stored.data[k]
          return tf.tensor(values, weight.shape)
        }),
      ),
    )
  return model
}
